import { type Check, forEntries } from "../check.js";

/** Groups that nobody is in, and approvals that need more people than there are. */
export const approvers: Check = {
  level: "warning",
  find: (context) => {
    const { people } = context;
    if (!people) return [];
    const answering = people.filter(({ access }) => access.includes("approver"));
    return forEntries(context, ({ source, compiled }, _, told) => {
      const groups = compiled.terms?.approvers ?? null;
      const written = source.approval?.approvers ?? [];
      const empty = written.flatMap((group, index) => {
        const known = answering.some((person) => person.groups.includes(group));
        return known ? [] : [told(["approval", "approvers", index], `no approver is in the group ${group}`)];
      });
      if (empty.length > 0 || (!compiled.terms && !compiled.approval)) return empty;
      const able = answering.filter((person) => !groups || person.groups.some((group) => groups.includes(group)));
      const wanted = compiled.terms?.quorum ?? 1;
      if (able.length >= wanted) return [];
      const place = source.approval?.quorum === undefined ? [] : ["approval", "quorum"];
      return [told(place, `${wanted} people have to approve, and only ${able.length} can`)];
    });
  },
};
