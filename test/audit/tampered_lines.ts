import { stranger } from "./samples.js";
import { seal } from "./sealed.js";
import type { Copy, Place, Tamperings } from "./tamper.js";

function signedAnew(copy: Copy, key: typeof stranger): Place {
  return copy.respell((line) => {
    const { seq, prev, writer, signature: _, ...draft } = JSON.parse(line);
    return seal(draft, { seq, prev, writer, key });
  });
}

/** A line that says the same in other bytes, or that somebody else signed. */
export const tamperedLines: Tamperings = {
  "the same meaning, with a blank": {
    tries: 30,
    tamper: (copy) => copy.respell((line) => line.replace(copy.chance.pick([/,"/, /":/, /\{/, /\}$/]), "$& ")),
  },
  "the same meaning, with an escape": {
    tries: 30,
    tamper: (copy) =>
      copy.respell((line) =>
        copy.chance.pick([
          line.replace('"kind"', '"\\u006bind"'),
          line.replace("sha256:", "sha25\\u0036:"),
          line.replace("/", "\\/"),
          line.replace("\\t", "\\u0009"),
          line.replace("ö", "\\u00f6"),
        ]),
      ),
  },
  "the same meaning, with another number": {
    tries: 30,
    tamper: (copy) =>
      copy.respell((line) =>
        copy.chance.pick([
          line.replace(/"seq":(\d+)/, '"seq":$1.0'),
          line.replace(/"seq":(\d+)/, '"seq":$1e0'),
          line.replace(/"latency_us":(\d)/, '"latency_us":0.$1e1'),
          line.replace("e+21", "e21"),
          line.replace("e-7", "E-7"),
          line.replace(":0,", ":-0,"),
          line.replace(":0.1", ":0.10"),
        ]),
      ),
  },
  "the same meaning, in another order or twice": {
    tries: 20,
    tamper: (copy) =>
      copy.respell((line) =>
        copy.chance.pick([
          line.replace(/^\{(.*?)("seq":\d+,)/, "{$2$1"),
          line.replace(/"seq":\d+,/, "$&$&"),
          line.replace(/^\{/, '{"kind":"policy",'),
        ]),
      ),
  },
  "the same meaning, with a mark before or a return behind": {
    tries: 15,
    tamper: (copy) => copy.respell((line) => copy.chance.pick([`\ufeff${line}`, `${line}\r`, ` ${line}`, `${line} `])),
  },
  "signed by another key": { tries: 20, tamper: (copy) => signedAnew(copy, stranger) },
  "signed by another key under the name of ours": {
    tries: 20,
    tamper: (copy) => signedAnew(copy, { ...stranger, kid: copy.base.key.kid }),
  },
};
