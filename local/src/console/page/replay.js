// Delivering again: it is asked first, and its progress is shown.
import { h, str } from "./kit.js";
import { api, ask, say } from "./api.js";

const EVERY = 700;

/** Asks, has entries delivered again, and shows in `where` how far that is. Resolves when nothing is under way any more. */
export async function replayed(places, where) {
  const count = places.length, many = count === 1 ? "1 message" : `${count} messages`;
  const agreed = await ask(`Deliver ${many} again?`, "Each is delivered once more, in the order of its conversation. Where the channel can be asked whether it has a message already, it is. This is recorded, with your name.", `Deliver ${count} again`);
  if (!agreed) return;
  const bar = h("progress", { max: count, value: 0, "aria-label": "Replay" }), words = h("p", { role: "status" }, "Begun…");
  where.replaceChildren(bar, words);
  try {
    let job = await api("replay", {}, { places, count });
    for (;;) {
      const ended = job.delivered + job.dead + job.understood + job.not_dead + job.errors.length;
      bar.value = ended;
      const parts = [[job.delivered, "delivered"], [job.understood, "understood now"], [job.dead, "given up again"], [job.not_dead, "not given up any more"], [job.errors.length, "not taken up"], [job.asked - ended, "under way"]];
      words.textContent = `Of ${job.asked}: ${parts.filter(([number]) => number > 0).map(([number, name]) => `${number} ${name}`).join(", ")}.${job.errors.length ? ` ${str(job.errors[0])}` : ""}`;
      if (job.done) break;
      await new Promise((next) => setTimeout(next, EVERY));
      job = await api(`replay/${job.job}`);
      if (!where.isConnected) return;
    }
    say(words.textContent);
  } catch (error) { where.replaceChildren(h("p", { class: "error", role: "alert" }, error.message)); }
}
