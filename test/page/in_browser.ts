/** As much of a browser as functions of tests use that run in one: its types are not those of Node. */
export interface InBrowser {
  document: {
    documentElement: Box;
    querySelectorAll(selector: string): Iterable<Box>;
    dispatchEvent(event: object): boolean;
  };
  Event: new (type: string) => object;
  getComputedStyle(one: object): { outlineWidth: string; outlineStyle: string };
}

interface Box {
  readonly scrollWidth: number;
  readonly clientWidth: number;
  readonly outerHTML: string;
  getClientRects(): { length: number };
  getBoundingClientRect(): { width: number; height: number };
}
