// Prints, as JSON, what a .d.ts declares or exports from others, and what the compiler says against the project that it is
// part of: node declared.cjs TYPESCRIPT TSCONFIG FILE

const [, , compiler, project, file] = process.argv;
const ts = require(compiler);

const fail = (diagnostic) => { throw new Error(ts.formatDiagnostic(diagnostic, host)); };
const host = {
  ...ts.sys,
  getCanonicalFileName: (name) => name,
  getNewLine: () => '\n',
  onUnRecoverableConfigFileDiagnostic: (diagnostic) => fail(diagnostic),
};
const config = ts.getParsedCommandLineOfConfigFile(project, {}, host);
const program = ts.createProgram(config.fileNames, config.options);
const complaints = [...config.errors, ...ts.getPreEmitDiagnostics(program)]
  .map((diagnostic) => ts.formatDiagnostic(diagnostic, host));
const checker = program.getTypeChecker();
const exported = checker.getExportsOfModule(checker.getSymbolAtLocation(program.getSourceFile(file)));

// Of a member whose type is written out, such as `absent` of `Seat`, the members are those of
// `Seat.absent`, in `nested`.
const declared = { complaints, values: [], types: [], members: {}, nested: {} };
const namesOf = ({ members }) => members.map(({ name }) => name?.text).filter((name) => name !== undefined);
for (const { name, declarations: [node] } of exported) {
  const isValue = ts.isClassDeclaration(node) || ts.isFunctionDeclaration(node) || ts.isVariableDeclaration(node);
  (isValue ? declared.values : declared.types).push(name);
  if (ts.isClassDeclaration(node) || ts.isInterfaceDeclaration(node)) {
    declared.members[node.name.text] = Object.fromEntries(
      node.members
        .filter((member) => member.name?.text !== undefined)
        .map((member) => [member.name.text, ts.isMethodDeclaration(member) ? 'method' : 'property']),
    );
    for (const { name, type } of node.members) {
      if (type !== undefined && ts.isTypeLiteralNode(type) && name !== undefined) {
        declared.nested[`${node.name.text}.${name.text}`] = namesOf(type);
      }
    }
  }
}
console.log(JSON.stringify(declared));
