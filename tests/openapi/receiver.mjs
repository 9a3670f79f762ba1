// A callback URL as it should be, in Node, of what Node has alone. Its first line says where it is; then each text that it
// takes is one.
import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";

const key = Buffer.from(process.argv[2].slice("whsec_".length), "base64");
const seen = new Set();

function fits({ "webhook-id": id, "webhook-timestamp": at, "webhook-signature": signatures }, body) {
  if (!id || !/^\d+$/.test(at ?? "") || Math.abs(Date.now() / 1000 - Number(at)) > 300) return false;
  const expected = createHmac("sha256", key).update(`${id}.${at}.`).update(body).digest();
  return (signatures ?? "").split(" ").some((one) => {
    const given = Buffer.from(one.slice(3), "base64");
    return one === `v1,${given.toString("base64")}` && given.length === expected.length && timingSafeEqual(given, expected);
  });
}

const server = createServer((request, response) => {
  const pieces = [];
  let size = 0;
  request.on("error", () => {});
  request.on("data", (piece) => {
    size += piece.length;
    if (size <= 10_000_000) return pieces.push(piece);
    response.writeHead(413, { connection: "close" }).end(() => request.destroy());
    request.pause();
  });
  request.on("end", () => {
    const body = Buffer.concat(pieces);
    if (!fits(request.headers, body)) return response.writeHead(401).end();
    const event = JSON.parse(body);
    if (!seen.has(request.headers["webhook-id"])) {
      seen.add(request.headers["webhook-id"]);
      if (event.type === "message") console.log(event.text);
    }
    response.writeHead(204).end();
  });
});
server.listen(0, "127.0.0.1", () => console.log(`http://127.0.0.1:${server.address().port}/callback`));
process.stdin.on("end", () => process.exit()).resume();
