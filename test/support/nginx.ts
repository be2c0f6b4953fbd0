import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";

const PROGRAM = "/usr/sbin/nginx";

export interface NginxOptions {
  /** Folder for its configuration and temporary files. */
  readonly dir: string;
  readonly root: string;
  readonly port: number;
  /** More lines of its `server`. */
  readonly lines?: readonly string[];
}

/** A real nginx that gives out a folder. */
export interface Nginx {
  readonly child: ChildProcess;
  close(): Promise<void>;
}

/** Starts nginx on a port of 127.0.0.1, with compression switched on for whatever asks for it. */
export async function openNginx({ dir, root, port, lines = [] }: NginxOptions): Promise<Nginx> {
  if (!existsSync(PROGRAM)) throw new Error(`${PROGRAM} is missing: apt-get install nginx-light`);
  await mkdir(dir, { recursive: true });
  const temps = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
  const config = `
${process.getuid?.() === 0 ? "user root;" : ""}
daemon off;
worker_processes 1;
pid ${join(dir, "nginx.pid")};
error_log ${join(dir, "error.log")};
events {}
http {
  access_log ${join(dir, "access.log")};
  gzip on;
  gzip_types *;
  ${temps.map((name) => `${name}_temp_path ${join(dir, name)};`).join("\n  ")}
  server {
    listen 127.0.0.1:${port} ${lines.some((line) => line.startsWith("ssl_")) ? "ssl" : ""};
    root ${root};
    ${lines.join("\n    ")}
  }
}
`;
  const path = join(dir, "nginx.conf");
  await writeFile(path, config);
  const child = spawn(PROGRAM, ["-c", path, "-e", join(dir, "error.log")], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  for (const stream of [child.stdout, child.stderr])
    stream?.on("data", (text: unknown) => {
      said += String(text);
    });
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  for (let tries = 0; !(await listens(port)); tries++) {
    if (child.exitCode !== null || tries > 100) throw new Error(`nginx does not listen: ${said}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const close = async (): Promise<void> => {
    child.kill("SIGTERM");
    await ended;
  };
  return { child, close };
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
