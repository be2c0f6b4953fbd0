// What tests use of WebAssembly: its types come with those of the DOM, which this project does without.
declare namespace WebAssembly {
  class Module {
    constructor(bytes: Uint8Array);
  }
  class Memory {
    private constructor();
    readonly buffer: ArrayBuffer;
  }
  class Instance {
    constructor(
      module: Module,
      imports: Readonly<Record<string, Readonly<Record<string, (...args: number[]) => unknown>>>>,
    );
    readonly exports: Readonly<Record<string, unknown>>;
  }
}
