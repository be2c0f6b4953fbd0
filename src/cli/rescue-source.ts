import { MaydayError, RefusedError, UsageError } from "../base/errors.ts";
import type { Hardware } from "../image/hardware.ts";
import type { ImageSource } from "../image/image-source.ts";
import type { Repository } from "../image/repository.ts";
import type { Version } from "../image/version.ts";
import { inputWarnings } from "./image/input-flags.ts";
import type { Output } from "./output.ts";
import { tellSkipped } from "./repo/listing.ts";

/** Flags of `rescue` that name what to send. */
export interface SourceFlags {
  readonly repo?: string;
  readonly image?: string;
  readonly hardware?: Hardware;
  readonly version?: Version;
  readonly allowUnsigned?: boolean;
}

/** Where a rescuer's images come from. */
export interface RescueSource {
  readonly repository: Repository;
  /** The user chose the only image: it is offered even if it seems unsuitable. */
  readonly isNamed: boolean;
  close(): Promise<void>;
}

/**
 * Opens the repository, or the one image. UsageError `image-or-repo`, `raw-image-flags`, `image-foreign`;
 * RefusedError `unsigned`; and the errors of repositories, image files and firmware files (`openInputImage`).
 */
export async function openRescueSource(flags: SourceFlags, output: Output): Promise<RescueSource> {
  const { repo, image, hardware, version } = flags;
  if ((repo === undefined) === (image === undefined)) {
    throw new UsageError("image-or-repo", "give either --repo DIR or --image FILE, to say what to send");
  }
  const isRaw = hardware !== undefined || version !== undefined;
  if (repo !== undefined) {
    if (isRaw)
      throw new UsageError(
        "raw-image-flags",
        "--hardware and --version describe a raw --image, not a --repo",
      );
    return openRepo(repo, output);
  }
  const opened = isRaw ? await openRaw(image ?? "", flags, output) : await openBuilt(image ?? "");
  if (!opened.isSigned && flags.allowUnsigned !== true) {
    await opened.close();
    const message = `${image} is not signed: sign it with image build --key, or send it anyway with --allow-unsigned`;
    throw new RefusedError("unsigned", message);
  }
  if (!opened.isSigned) output.warn(`${image} is not signed: only boards that trust no key accept it`);
  const { fixedRepository } = await import("../image/repository.ts");
  return { repository: fixedRepository([opened]), isNamed: true, close: () => opened.close() };
}

async function openRepo(dir: string, output: Output): Promise<RescueSource> {
  const { openDirectoryRepository } = await import("../image-files/directory-repository.ts");
  const repository = await openDirectoryRepository(dir);
  const { images, skipped } = await repository.list();
  tellSkipped(output, skipped);
  if (images.length === 0)
    output.warn(`${dir} holds no usable image yet; add one with: mayday repo add FILE.mdy --repo ${dir}`);
  return { repository, isNamed: false, close: () => repository.close() };
}

type OpenImage = ImageSource & { close(): Promise<void> };

async function openBuilt(path: string): Promise<OpenImage> {
  const { openImageFile } = await import("../image-files/image-file.ts");
  try {
    return await openImageFile(path);
  } catch (error) {
    if (!isForeign(error)) throw error;
    const { format, isFirmware } = error.details;
    // A key, a web page or an archive is not sent with these flags either.
    if (format !== undefined && isFirmware !== true)
      throw new UsageError("image-foreign", error.message, error.details, error);
    const message = `${path} is not an image file; to send firmware as it is add --hardware ID --version V --allow-unsigned`;
    throw new UsageError("raw-image-flags", message, { path }, error);
  }
}

async function openRaw(
  path: string,
  { hardware, version, allowUnsigned }: SourceFlags,
  output: Output,
): Promise<OpenImage> {
  if (hardware === undefined || version === undefined || allowUnsigned !== true) {
    const message = "a raw --image needs all of --hardware ID, --version V and --allow-unsigned";
    throw new UsageError("raw-image-flags", message);
  }
  const { openInputImage } = await import("../image-files/image-build.ts");
  const opened = await openInputImage(path, { ...hardware, version });
  for (const warning of inputWarnings(path, opened.read)) output.warn(warning);
  return opened;
}

function isForeign(error: unknown): error is MaydayError {
  return error instanceof MaydayError && error.code === "image-foreign";
}
