// Sends count records with @fluent-org/logger and ends when all are acknowledged. Options are those of FluentClient, as JSON.
const { FluentClient } = require("@fluent-org/logger");

const [tag, count, options] = process.argv.slice(2);

async function main() {
  const client = new FluentClient(tag, JSON.parse(options));
  const sent = [];
  for (let i = 0; i < Number(count); i++) {
    sent.push(client.emit("node", { log: `line ${i}`, n: i, nested: { list: [1, "a", null, { z: true }] }, wörter: "größe ☃" }));
  }
  await client.flush();
  await Promise.all(sent);
  await client.disconnect();
  process.exit(0);
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
