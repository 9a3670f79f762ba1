// Delivering again: it is asked first, and its progress is shown.
import { h, str } from "./kit.js";
import { api, ask, say } from "./api.js";

const EVERY = 700;

/** Asks, has what is wanted delivered again, and shows in `where` how far that is: `places`, or all that have a `cause`. Resolves to whether it was begun, when
 * nothing is under way any more. */
export async function replayed(wanted, where) {
  const { count, is_least = false } = wanted, number = `${is_least ? "at least " : ""}${count}`, many = count === 1 && !is_least ? "1 message" : `${number} messages`;
  const agreed = await ask(`Deliver ${many} again?`, "Each is delivered once more, in the order of its conversation. Where the channel can be asked whether it has a message already, it is. This is recorded, with your name.", `Deliver ${is_least ? "them" : count} again`);
  if (!agreed) return false;
  const bar = h("progress", { max: count, value: 0, "aria-label": "Replay" }), words = h("p", { role: "status" }, "Begun…"), stop = h("div", null);
  where.replaceChildren(bar, words, stop);
  try {
    let job = await api("replay", {}, wanted);
    const halt = h("button", { class: "ghost", type: "button", click: async () => { halt.disabled = true; await api(`replay/${job.job}/stop`, {}, {}).catch(() => {}); } }, "Stop");
    stop.replaceChildren(halt);
    for (;;) {
      const ended = job.delivered + job.dead + job.understood + job.not_dead + job.failed;
      bar.max = job.asked;
      bar.value = ended;
      const parts = [[job.delivered, "delivered"], [job.understood, "understood now"], [job.dead, "given up again"], [job.not_dead, "not given up any more"], [job.failed, "not taken up"], [job.pending, "under way"], [job.asked - ended - job.pending, job.stopped ? "left" : "to be taken up"]];
      words.textContent = `Of ${job.asked_is_least ? "at least " : ""}${job.asked}: ${parts.filter(([number]) => number > 0).map(([number, name]) => `${number} ${name}`).join(", ")}.${job.errors.length ? ` ${str(job.errors[0])}` : ""}`;
      if (job.done) break;
      await new Promise((next) => setTimeout(next, EVERY));
      if (!where.isConnected) return true;
      job = await api(`replay/${job.job}`);
    }
    stop.replaceChildren();
    say(words.textContent);
  } catch (error) { where.replaceChildren(h("p", { class: "error", role: "alert" }, error.message)); return false; }
  return true;
}
