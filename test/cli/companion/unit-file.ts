import { read } from "../../tidy/repository.ts";

/** A unit's settings in their order: a key may stand several times. */
export type UnitSettings = readonly (readonly [key: string, value: string])[];

const UNITS = "contrib/systemd";

/** The settings of one of contrib's units. */
export function unitSettings(name: string): UnitSettings {
  return linesOf(read(`${UNITS}/${name}`)).map((line) => {
    const equals = line.indexOf("=");
    return [line.slice(0, equals), line.slice(equals + 1)];
  });
}

/** The last value of a key. */
export function settingOf(settings: UnitSettings, key: string): string {
  const value = settings.findLast(([name]) => name === key)?.[1];
  if (value === undefined) throw new Error(`no ${key}= in the unit`);
  return value;
}

/** The variables of a file that EnvironmentFile= names. */
export function environmentOf(name: string): Readonly<Record<string, string>> {
  return Object.fromEntries(linesOf(read(`${UNITS}/${name}`)).map((line) => line.split("=", 2)));
}

function linesOf(text: string): string[] {
  return text.split("\n").filter((line) => line.includes("=") && !line.startsWith("#"));
}
