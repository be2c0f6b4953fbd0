/**
 * What boot loaders and shells write and other programs do not: a banner, a countdown, a prompt, a question, or an echo of
 * control characters. Who reads such a line takes what comes as keys. Every repetition is bounded.
 */
const MARKS: readonly RegExp[] = [
  // A boot loader's banner.
  /(?:^|[\r\n])(?:U-Boot (?:SPL |TPL )?\d{4}\.\d\d|barebox \d{4}\.\d\d|RedBoot|GNU GRUB|coreboot-\S|Das U-Boot|CFE version)/,
  // A countdown, or the offer to stop it.
  /\b(?:hit|press|type) (?:any|a|the|[<"'[]?\w{1,12}[>"'\]]?) ?key|\b(?:hit|press) (?:<?(?:enter|esc|space|del)\w{0,4}>?|[<"'[]?(?:ctrl|\^)\S{1,4}) (?:to|for|within)|stop (?:the )?auto ?boot|\bauto ?boot(?:ing)? in\b|\bboot(?:ing)? in \d{1,3} ?s/i,
  /(?:^|[\r\n])Login incorrect/,
  // Control characters as a terminal line echoes them: frames begin with NUL, and hold other ones.
  /\^[@A-Z[\\\]^_]/,
  // A shell's answer to what is no command.
  /command not found|Unknown command/,
];

/** The next number of a countdown, which overwrites the one before: "\b\b\b 1 ". */
const COUNTED = /[\b]{1,4} {0,2}\d{1,3} {0,2}$/;

/**
 * What line editors say to a terminal before they read a key, and no log holds: bracketed paste on or off, and the question
 * where the cursor is.
 */
const FOR_TERMINAL = new RegExp(`${String.fromCharCode(0x1b)}\\[(?:\\?2004[hl]|6n)`);

/** Questions and prompts: marks where the text stops behind them. In a line that goes further they are nothing. */
const PROMPTS: readonly RegExp[] = [
  // A login.
  /(?:^|[\r\n])[^\r\n]{0,64}\b(?:login|username|password|passphrase)(?: for \S{1,32})?: ?$/i,
  // A prompt, such as "=> ", "root@host:/# ", "C:\>", "grub> ", "(initramfs) ", ">>> ".
  /(?:^|[\r\n])[^\r\n]{0,60}[$#%>] ?$/,
  /(?:^|[\r\n])\([\w-]{1,16}\) $/,
];

/**
 * Whether text bears the mark of a boot loader or a shell. `text`: the newest, 256 bytes at most and what just came.
 * `isAtRest`: nothing came behind it for the time that ends a run.
 */
export function bearsOwnMark(text: string, isAtRest: boolean): boolean {
  return MARKS.some((mark) => mark.test(text)) || (isAtRest && PROMPTS.some((mark) => mark.test(text)));
}

/** Whether text, with its control sequences, is written for a terminal at which somebody types: no text by its share, but a mark. */
export function asksTerminal(raw: string): boolean {
  return FOR_TERMINAL.test(raw);
}

/** Whether text ends in the next number of a countdown: no text by the rule of PROTOCOL.md 2.3, but a mark. */
export function endsInCountdown(text: string): boolean {
  return COUNTED.test(text);
}
