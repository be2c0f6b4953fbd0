import { equalBytes } from "../base/bytes.ts";
import { noneOf, type Repository } from "../image/repository.ts";

/**
 * What a board hands on from its repository as updates, when it hands on no image before that ran for a while: none for its own
 * hardware, as it runs those first. The other ones it cannot run.
 */
export function withoutOwnHardware(repository: Repository, hardwareId: Uint8Array): Repository {
  return {
    pick: async (criteria) =>
      equalBytes(criteria.hardwareId, hardwareId) ? noneOf([]) : await repository.pick(criteria),
    open: async (digest) => await repository.open(digest),
    release: async (image) => await repository.release(image),
    close: async () => await repository.close(),
  };
}
