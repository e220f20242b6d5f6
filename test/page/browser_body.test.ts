import { describeWith } from "../harness/parts.js";
import { findBrowser, freshSite, type Site } from "./browser_fixture.js";

const browser = await findBrowser();

describeWith(browser, "the body beside the parameters on the page in Chromium", (use) => {
  let site: Site;
  freshSite(use, (fresh) => {
    site = fresh;
  });

  const rest = async (body: Record<string, string | object> | null) => {
    const page = await site.signedIn(`/approvals/${await site.made.here.open({ body: body as never })}`);
    const heading = page.getByRole("heading", { name: "Rest of the body" });
    await heading.waitFor();
    return page.locator("section.group").filter({ has: heading }).innerText();
  };

  test("is shown member by member, made safe", async () => {
    const text = await rest({ as_user: "root\u202e", template: { image: "evil/miner:latest" } });
    for (const part of ["as_user", '"root\\u202e"', '"evil/miner:latest"']) expect(text).toContain(part);
  });

  test("is said to be none", async () => {
    expect(await rest({})).toMatch(/none/);
  });

  test("is said not to have been read", async () => {
    expect(await rest(null)).toContain("The body was not read: what is in it is not shown.");
  });
});
