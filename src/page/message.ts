const escapes: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** A page that says one thing, with the way back. */
export function messagePage(text: string): string {
  const said = text.replace(/[&<>"']/g, (found) => escapes[found] ?? "");
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Approvals</title>
<link rel="stylesheet" href="/approvals/assets/approvals.css">
</head>
<body>
<main class="view">
<h1>Approvals</h1>
<p role="alert">${said}</p>
<p><a href="/approvals">Back to the approvals</a></p>
</main>
</body>
</html>
`;
}
