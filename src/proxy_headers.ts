const owned = /^(?::.*|host|content-length|transfer-encoding|connection|te|upgrade|x-envoy-.*|x-countersign-.*)$/;

/** True for headers that belong to the proxy or to us, so that no policy changes them. Names are lower case. */
export function isProxyHeader(name: string): boolean {
  return owned.test(name);
}
