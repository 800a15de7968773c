// Prints what a .d.ts declares, as JSON: node declared.cjs TYPESCRIPT FILE

const [, , compiler, file] = process.argv;
const ts = require(compiler);
const source = ts.createSourceFile(file, ts.sys.readFile(file), ts.ScriptTarget.ES2022);

const declared = { values: [], types: [], members: {} };
for (const node of source.statements) {
  const isValue = ts.isClassDeclaration(node) || ts.isFunctionDeclaration(node);
  if (isValue) declared.values.push(node.name.text);
  else if (ts.isVariableStatement(node)) {
    for (const { name } of node.declarationList.declarations) declared.values.push(name.text);
  } else declared.types.push(node.name.text);
  if (ts.isClassDeclaration(node) || ts.isInterfaceDeclaration(node)) {
    declared.members[node.name.text] = Object.fromEntries(
      node.members
        .filter((member) => member.name?.text !== undefined)
        .map((member) => [member.name.text, ts.isMethodDeclaration(member) ? 'method' : 'property']),
    );
  }
}
console.log(JSON.stringify(declared));
