/** Holds the shape of `src/`: no cycles, stages apart from each other, shared words at the bottom. */
const stages = "read|identify|decode|attest|evaluate|settle|decide|record|respond";

module.exports = {
  forbidden: [
    {
      name: "no-cycles",
      comment: "A cycle hides which module depends on which. Move what both need to the one below.",
      severity: "error",
      from: {},
      to: { circular: true },
    },
    {
      name: "stages-apart",
      comment: "A stage must not know another stage. What both need is a shared word or a service.",
      severity: "error",
      from: { path: `^src/(${stages})/` },
      to: { path: `^src/(${stages})/`, pathNot: "^src/$1/" },
    },
    {
      name: "words-import-nothing",
      comment: "The words at the root of src are read by every stage, so they import none of our folders.",
      severity: "error",
      from: { path: "^src/[^/]+\\.ts$", pathNot: "^src/(pipeline|server|cli)\\.ts$" },
      to: { path: "^src/[^/]+/" },
    },
    {
      name: "stages-below-the-pipeline",
      comment: "Only the pipeline and the server put stages together.",
      severity: "error",
      from: { path: "^src/", pathNot: `^src/(pipeline|server|cli)\\.ts$|^src/(${stages}|cli|server)/` },
      to: { path: "^src/(pipeline|server|cli)\\.ts$" },
    },
    {
      name: "no-orphans",
      comment: "Delete what nothing uses.",
      severity: "error",
      from: { orphan: true, path: "^src/", pathNot: "\\.d\\.ts$" },
      to: {},
    },
    {
      name: "no-dev-dependencies-in-src",
      severity: "error",
      from: { path: "^src/" },
      to: { dependencyTypes: ["npm-dev", "npm-no-pkg", "npm-unknown"] },
    },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    doNotFollow: { path: "node_modules" },
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["import", "require", "node", "default", "types"],
    },
  },
};
