// Brings the compiled TypeScript program of the current folder up and down again, in Pulumi's own engine.
// Prints one JSON object: what was created, what a second run changed, and the outputs.
const { execFileSync } = require("node:child_process");
const path = require("node:path");
const folder = process.cwd();
const { LocalWorkspace } = require(path.join(folder, "node_modules/@pulumi/pulumi/automation"));

const program = async () => {
    const file = path.join(folder, "bin/index.js");
    delete require.cache[file]; // it runs once for each operation
    return require(file);
};

async function main() {
    const [stackName, projectName, config] = JSON.parse(process.argv[2]);
    const stack = await LocalWorkspace.createOrSelectStack({ stackName, projectName, program }, { workDir: folder });
    await stack.setAllConfig(config);
    const planned = await stack.preview();
    const first = await stack.up();
    const again = await stack.up();
    // `stack.exportStack` would decrypt what is secret
    const state = JSON.parse(execFileSync("pulumi", ["stack", "export", "--stack", stackName], { cwd: folder }));
    await stack.destroy();
    console.log(
        JSON.stringify({
            planned: planned.changeSummary,
            first: first.summary.resourceChanges,
            again: again.summary.resourceChanges,
            outputs: first.outputs,
            state,
        }),
    );
}

main().catch((error) => {
    console.error(String(error));
    process.exit(1);
});
