/** A module of `dist/`, typed as its source, so that what is measured is what operators run. */
export function built<T>(path: string): Promise<T> {
  return import(new URL(`../../dist/${path}`, import.meta.url).href) as Promise<T>;
}
