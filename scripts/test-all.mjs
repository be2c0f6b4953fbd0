#!/usr/bin/env node
// Everything that must hold, in one command: lint, types, build, all tests, and the package check. The last line is `N passed,
// N failed`, from vitest's own report. Debian packages that tests need are named when they are missing; with --install they are
// installed.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";

/** What the tests run besides Node, and the Debian package that brings it. */
const TOOLS = [
  { package: "mandoc", probe: "/usr/bin/mandoc" },
  { package: "socat", probe: "/usr/bin/socat" },
  { package: "tmux", probe: "/usr/bin/tmux" },
  { package: "ser2net", probe: "/usr/sbin/ser2net" },
  { package: "python3-serial", probe: "/usr/lib/python3/dist-packages/serial/rfc2217.py" },
  { package: "gcc", probe: "/usr/bin/gcc" },
  { package: "g++", probe: "/usr/bin/g++" },
  { package: "make", probe: "/usr/bin/make" },
  { package: "python3", probe: "/usr/bin/python3" },
  { package: "libc6-dev", probe: "/usr/include/stdio.h" },
  { package: "i2c-tools", probe: "/usr/sbin/i2cdetect" },
  { package: "lrzsz", probe: "/usr/bin/sz" },
  { package: "ckermit", probe: "/usr/bin/kermit" },
  { package: "util-linux", probe: "/usr/bin/flock" },
  { package: "exfat-fuse", probe: "/usr/sbin/mount.exfat-fuse" },
  { package: "exfatprogs", probe: "/usr/sbin/mkfs.exfat" },
  { package: "e2fsprogs", probe: "/usr/sbin/mkfs.ext4" },
  { package: "mount", probe: "/usr/sbin/losetup" },
  { package: "openssl", probe: "/usr/bin/openssl" },
  { package: "openssh-client", probe: "/usr/bin/ssh-keygen" },
  { package: "gpg", probe: "/usr/bin/gpg" },
  { package: "gpgconf", probe: "/usr/bin/gpgconf" },
  { package: "gpg-agent", probe: "/usr/bin/gpg-agent" },
  { package: "xxd", probe: "/usr/bin/xxd" },
  { package: "nginx-light", probe: "/usr/sbin/nginx" },
  { package: "python3-cryptography", probe: "/usr/lib/python3/dist-packages/cryptography" },
  { package: "u-boot-qemu", probe: "/usr/lib/u-boot/qemu_arm64/u-boot.bin" },
  { package: "qemu-system-arm", probe: "/usr/bin/qemu-system-arm" },
  { package: "cmake", probe: "/usr/bin/cmake" },
  { package: "gcc-multilib", probe: "/usr/include/asm" },
  { package: "clang", probe: "/usr/bin/clang" },
  {
    package: "libclang-rt-14-dev",
    probe: "/usr/lib/llvm-14/lib/clang/14.0.6/lib/linux/libclang_rt.fuzzer-x86_64.a",
  },
  { package: "lld", probe: "/usr/bin/wasm-ld" },
  { package: "cppcheck", probe: "/usr/bin/cppcheck" },
  { package: "dpkg-dev", probe: "/usr/bin/dpkg-source" },
  { package: "gcc-arm-none-eabi", probe: "/usr/bin/arm-none-eabi-gcc" },
  { package: "libnewlib-arm-none-eabi", probe: "/usr/lib/arm-none-eabi/newlib/nano.specs" },
  { package: "gcc-avr", probe: "/usr/bin/avr-gcc" },
  { package: "avr-libc", probe: "/usr/lib/avr/include/avr/io.h" },
  { package: "systemd", probe: "/usr/bin/systemd-analyze" },
  { package: "udev", probe: "/usr/bin/udevadm" },
  { package: "mosquitto", probe: "/usr/sbin/mosquitto" },
  { package: "ovmf", probe: "/usr/share/OVMF/OVMF_CODE_4M.fd" },
];
const REPORT = "test-report/vitest.json";

function run(command, args, options = {}) {
  process.stdout.write(`\n$ ${command} ${args.join(" ")}\n`);
  const result = spawnSync(command, args, { stdio: "inherit", ...options });
  if (result.error) process.stdout.write(`${command}: ${result.error.message}\n`);
  return result.status === 0;
}

/** Installs missing packages where apt-get is at hand; elsewhere the tests that need them fail and say so. False: not asked to. */
function installTools(isAsked) {
  const missing = TOOLS.filter(({ probe }) => !existsSync(probe)).map((tool) => tool.package);
  if (missing.length === 0) return true;
  if (!isAsked) {
    process.stdout.write(
      `The tests run programs of ${missing.length} Debian packages that are not here. Nothing was installed. Either install them,\n\n` +
        `  sudo apt-get install --no-install-recommends ${missing.join(" ")}\n\n` +
        "or let this command do it: npm run test:all -- --install\n",
    );
    return false;
  }
  const asRoot = process.getuid?.() === 0 ? [] : ["sudo", "-n"];
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  const apt = [...asRoot, "apt-get", "-y", "-qq"];
  const [command, ...args] = apt;
  const isReady =
    run(command, [...args, "update"], { env }) &&
    run(command, [...args, "install", "--no-install-recommends", ...missing], { env });
  if (!isReady)
    process.stdout.write(`could not install ${missing.join(" ")}: tests that need them will fail\n`);
  return true;
}

/**
 * The I2C addon is compiled when it is installed, which fails quietly where npm cannot fetch Node's headers: again,
 * with the headers that the system has.
 */
function buildAddon() {
  if (existsSync("node_modules/i2c-bus/build/Release/i2c.node")) return;
  const headers = ["/usr", "/usr/local"].find((prefix) => existsSync(`${prefix}/include/node/node.h`));
  const env = headers === undefined ? process.env : { ...process.env, npm_config_nodedir: headers };
  if (!existsSync("node_modules/i2c-bus")) run("npm", ["ci"], { env });
  run("npm", ["rebuild", "i2c-bus"], { env });
}

function counts() {
  if (!existsSync(REPORT)) return { passed: 0, failed: 1 };
  const report = JSON.parse(readFileSync(REPORT, "utf8"));
  const brokenFiles = report.testResults.filter(
    (file) => file.status === "failed" && file.assertionResults.length === 0,
  );
  const passed = report.numPassedTests;
  const failed = report.numFailedTests + brokenFiles.length + report.numPendingTests + report.numTodoTests;
  return { passed, failed };
}

if (!installTools(process.argv.includes("--install"))) {
  process.stdout.write("0 passed, 1 failed\n");
  process.exit(1);
}
buildAddon();
mkdirSync("test-report", { recursive: true });
rmSync(REPORT, { force: true });
const checks = [
  ["npm", ["run", "--silent", "lint"]],
  ["npm", ["run", "--silent", "types"]],
  ["npm", ["run", "--silent", "build"]],
  ["npm", ["run", "--silent", "check:unused"]],
  ["npm", ["run", "--silent", "check:package"]],
  // One power cut of a hundred; `npm run torture` makes all of them.
  ["node", ["dist/cli/main.js", "board", "torture", "--every", "100", "--workers", "2"]],
  ["npx", ["vitest", "run", "--reporter=default", "--reporter=json", `--outputFile.json=${REPORT}`]],
];
const broken = checks.filter(([command, args]) => !run(command, args)).map(([, args]) => args.join(" "));
const { passed, failed } = counts();
for (const check of broken) process.stdout.write(`failed: ${check}\n`);
process.stdout.write(`${passed} passed, ${failed} failed\n`);
process.exitCode = broken.length > 0 || failed > 0 || passed === 0 ? 1 : 0;
