// @types/node leaves the WebAssembly globals to the DOM library, which would bring a browser's names with it.
declare namespace WebAssembly {
  class Module {
    constructor(bytes: Uint8Array);
  }
}
