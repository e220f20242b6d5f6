export type JsonValue = null | boolean | number | string | JsonValue[] | { [name: string]: JsonValue };

const lineWidth = 120;

/** JSON as the formatter of the checkout has it: lists of texts and numbers on one line where they fit. */
export function formatted(value: JsonValue): string {
  return `${write(value, "", 0)}\n`;
}

/** `before` is how much of the line is taken. */
function write(value: JsonValue, indent: string, before: number): string {
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const inner = `${indent}  `;
  if (Array.isArray(value)) {
    const line = `[${value.map((one) => JSON.stringify(one)).join(", ")}]`;
    const flat = value.every((one) => one === null || typeof one !== "object");
    if (value.length === 0 || (flat && before + line.length < lineWidth)) return line;
    return `[\n${value.map((one) => inner + write(one, inner, inner.length)).join(",\n")}\n${indent}]`;
  }
  const members = Object.entries(value);
  if (members.length === 0) return "{}";
  const lines = members.map(([name, member]) => {
    const start = `${inner}${JSON.stringify(name)}: `;
    return start + write(member, inner, start.length);
  });
  return `{\n${lines.join(",\n")}\n${indent}}`;
}
