// Reads what Teams is sent, a JSON text a line, and says what Microsoft's renderer of Adaptive Cards does not
// take of its cards.

const fs = require('node:fs');

const [folder, file] = process.argv.slice(2);
const { AdaptiveCard, SerializationContext, Versions } =
  require(`${folder}/node_modules/adaptivecards/dist/adaptivecards.js`);

/** What is wrong with a card, in words. */
function wrong(content) {
  const card = new AdaptiveCard();
  const context = new SerializationContext(Versions.v1_5);
  card.parse(content, context);
  const said = [];
  for (let at = 0; at < context.eventCount; at += 1) said.push(context.getEventAt(at).message);
  return said.concat(card.validateProperties().validationEvents.map((event) => event.message));
}

// The check sees what is wrong.
const odd = { type: 'AdaptiveCard', version: '1.5', body: [{ type: 'TextBlok', text: 'x' }] };
if (wrong(odd).length === 0) throw new Error('the renderer takes anything');

let [cards, refused] = [0, 0];
for (const line of fs.readFileSync(file, 'utf8').split('\n').filter(Boolean)) {
  for (const { content } of JSON.parse(line).payload.attachments ?? []) {
    cards += 1;
    const said = wrong(content);
    if (said.length > 0) {
      refused += 1;
      if (refused <= 5) console.error(`card ${cards}: ${said.join('; ')}`);
    }
  }
}
console.log(`renderer: ${cards} cards checked, ${refused} refused`);
process.exit(refused > 0 || cards === 0 ? 1 : 0);
