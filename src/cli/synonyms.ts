/*
 * What people who come from other tools call our commands and flags: the name here, and the words that lead to it.
 */

const COMMANDS: Readonly<Record<string, string>> = {
  rescue: "heal fix flash upload download program write_flash write-flash serve repair restore send sx sz",
  distress: "beg recover target receive rx rz",
  dispatch: "update upgrade deploy ota push",
  node: "daemon run peer start mesh",
  ports: "list ls scan devices discover",
  status: "info ping query who check diagnose",
  keygen: "genkey gen-key key keys create-key",
  "image build": "build sign pack create mkimage",
  "image inspect": "inspect show dump",
  "image verify": "verify",
  repo: "repository",
  "repo add": "add",
  "repo remove": "remove rm",
  "board init": "init",
  "board boot": "boot",
  "board install": "install",
  "board confirm": "confirm",
  "board read": "read read_flash read-flash",
  "board damage": "damage",
  "board trust": "trust",
  "board torture": "torture",
  sim: "simulate simulator simulation",
  cable: "socat wire nullmodem null-modem",
  demo: "example try quickstart tutorial",
  "--version": "version ver -v -version",
  "--help": "usage -?",
};

/** Of several flags with one synonym, the first one that a command has is meant. */
const FLAGS: Readonly<Record<string, string>> = {
  link: "port device dev tty serial conn connect endpoint i2c tcp host p P l",
  in: "input file firmware bin i f img",
  image: "input file firmware bin i f img",
  firmware: "image file input f",
  out: "output o dest",
  repo: "repository images dir folder directory",
  board: "dir folder directory",
  hardware: "hw chip c target hardware-id id",
  version: "ver v V fw-version",
  key: "sign private-key privkey k sign-key",
  trust: "pub pubkey public-key trust-key ca",
  "flash-size": "size slot-size",
  sector: "sector-size",
  "link-key": "psk secret",
  "allow-unsigned": "unsigned insecure no-verify",
  timeout: "wait t",
  once: "one single exit",
  json: "j output-format",
  force: "y yes",
  baud: "b rate speed bps baudrate",
};

function bySynonym(names: Readonly<Record<string, string>>): ReadonlyMap<string, readonly string[]> {
  const all = new Map<string, string[]>();
  for (const [name, synonyms] of Object.entries(names))
    for (const word of synonyms.split(" ")) all.set(word, [...(all.get(word) ?? []), name]);
  return all;
}

/** By a word that is no command: the command that is meant, with its group, or a flag of the program. */
export const COMMAND_SYNONYMS: ReadonlyMap<string, readonly string[]> = bySynonym(COMMANDS);

/** By a flag that a command does not have, without its dashes: flags that may be meant. */
export const FLAG_SYNONYMS: ReadonlyMap<string, readonly string[]> = bySynonym(FLAGS);
