// The page from top to bottom.

function totals() {
  const { counts } = record;
  const tile = (number, word, kind, what) => make('li', { class: number ? kind : 'none' }, make('b', {}, figure(number)), ' ' + word,
    what ? make('small', { class: 'quiet' }, ' ' + what) : null);
  at('totals').append(
    tile(counts.accepted, 'accepted', 'good', ACCEPTED),
    tile(counts.pending, 'not sent', ''),
    tile(counts.rejected, 'rejected', 'bad'),
    tile(counts.in_doubt, 'in doubt', 'warn'));
  if (record.partly_refused) at('totals').append(tile(record.partly_refused, 'accepted, but some addresses do not have it', 'warn'));
  const { outcomes } = record;
  if (outcomes.bounced) at('totals').append(tile(outcomes.bounced, 'bounced', 'bad', 'addresses that it came back from'));
  if (outcomes.delivered) at('totals').append(tile(outcomes.delivered, 'delivered', 'good', 'addresses whose server has it'));
  if (outcomes.delayed) at('totals').append(tile(outcomes.delayed, 'delayed', 'warn', 'addresses that a server still tries'));
  if (outcomes.our_side) at('look').before(make('p', { class: 'banner' }, 'Our own mailbox or server was blocked or over its limit at ' + figure(outcomes.our_side)
    + (outcomes.our_side === 1 ? ' address' : ' addresses') + ': let whoever runs your mail unblock it. The addresses are not at fault.'));
}

const command = (text) => make('code', { class: 'command' }, text);

/** What is wrong with a letter, and what to do about it. */
function advice(letter) {
  const error = letter.error ? letter.error.code + ': ' + letter.error.text : '';
  if (letter.state === 'in_doubt') return [error, ['Look in the server’s log, or in Sent Items of a mailbox, or ask the school; then ', command('postroom resolve ' + shellWord(letter.id) + ' --accepted'), ', or ', command('--unsent'), ' to have it sent.']];
  if (letter.state === 'rejected') return [error, ['Mend what the answer names; then ', command('postroom send --retry-rejected'), '.']];
  if (isPartly(letter) && !letter.refused.length && (bounced(letter).length || letter.look.length)) {
    const what = [...bounced(letter).map(({ address, reason_in_words: reason }) => address + ': ' + (reason || 'bounced')),
      ...letter.look.map(({ address, why }) => (address ? address + ' is suspected' : why))];
    const next = letter.look.length ? ['Look at what came back; then ', command('postroom returns --confirm ' + shellWord(letter.id) + ' --because …'), ', or ', command('--dismiss'), '.']
      : [(bounced(letter)[0].next || 'Correct the address in the list'), '. ', command('postroom resend --only ' + shellWord(letter.id) + ' --because …'), ' writes to those that do not have it.'];
    return [what.join('; '), next];
  }
  if (isPartly(letter)) {
    const what = [...letter.refused.map((refusal) => refusal.address + ': ' + refusal.answer),
      ...letter.addresses.filter((address) => !address.message_id).map(({ address }) => address + ': not written to yet')];
    return [what.join('; '), ['The other addresses have it. Correct the address in the list if it is wrong; then ',
      command('postroom resend --only ' + shellWord(letter.id) + ' --because …'), ' writes to those that do not have it.']];
  }
  return [error, ['The next ', command('postroom send'), ' tries again.']];
}

function lookInto() {
  const open = record.letters.filter((letter) => letter.look_into);
  if (open.length === 0) {
    const left = record.counts.pending;
    const unreported = record.left_out.filter(({ because }) => because === 'no report').length;
    const without = unreported ? ' ' + plural(unreported, 'row') + ' of the list ' + (unreported === 1 ? 'is' : 'are') + ' left out, since there is no report.' : '';
    at('look').append(make('p', {}, (left ? 'Nothing. ' + plural(left, 'letter') + (left === 1 ? ' is' : ' are') + ' not sent yet; the next postroom send goes on.' : 'Nothing: every letter was accepted.') + without));
    return;
  }
  const weight = { in_doubt: 0, rejected: 1, accepted: 2, pending: 3 };
  open.sort((a, b) => weight[a.state] - weight[b.state]);
  const list = make('ul', { class: 'cards' });
  const item = (letter) => {
    const [what, next] = advice(letter);
    const link = make('button', { type: 'button', class: 'link' }, letter.name ? letter.name + ' (' + letter.id + ')' : letter.id);
    link.addEventListener('click', () => showLetter(letter));
    return make('li', { class: letter.state === 'rejected' ? 'bad-edge' : letter.state === 'pending' ? null : 'warn-edge' }, make('div', {}, chip(letter), changedMark(letter), ' ', link), make('div', { class: 'what' }, what), make('div', { class: 'quiet' }, next));
  };
  list.append(...open.slice(0, 20).map(item));
  at('look').append(list);
  if (open.length > 20) {
    const all = make('button', { type: 'button', class: 'plain' }, 'Show ' + figure(open.length - 20) + ' more below');
    all.addEventListener('click', () => {
      at('state').value = 'look';
      look();
      at('letters').scrollIntoView();
      at('query').focus({ preventScroll: true });
    });
    at('look').append(all);
  }
}

function runs() {
  const rows = record.runs.map((run) => [String(run.number), run.command, run.transport, run.host, time(run.began_at),
    ended(run), (run.ending || '').split('\n')[0]]);
  at('runs').append(table(['Run', 'Command', 'Through', 'Machine', 'Began (UTC)', 'Ended (UTC)', 'How'], rows));
  if (record.waits.length) {
    const waits = record.waits.map((wait) => [time(wait.at), span(wait.seconds)]);
    at('runs').append(make('h3', {}, 'Waits that the server asked for'), table(['From (UTC)', 'For'], waits));
  }
}

function log() {
  const { log: found } = record;
  if (!found.kept) {
    at('log').append(make('p', {}, 'There is none: ' + found.flaw + '.'));
    return;
  }
  const lines = found.whole
    ? [make('p', { class: 'good' }, 'The log was whole when this page was made: ' + plural(found.events, 'event') + '.')]
    : [make('p', { class: 'bad', role: 'alert' }, 'The log is not whole: ' + found.flaw + '.')];
  lines.push(make('p', {}, 'Last hash ', make('code', {}, found.last_hash)));
  if (found.before_the_log) lines.push(make('p', {}, 'It cannot speak of ' + plural(found.before_the_log, 'letter') + ' sent before it began.'));
  lines.push(make('p', { class: 'quiet' }, 'Each event is chained to the one before it, so that a change afterwards shows: it is tamper-evident. It is not tamper-proof, since whoever writes the whole state file anew can write a new log. Keep the last hash elsewhere, and compare it with ', command('postroom report --verify --hash'), '.'));
  at('log').append(...lines);
}

function banner(id, text) {
  at(id).hidden = false;
  at(id).textContent = text;
}

at('batch').textContent = record.batch;
at('about').textContent = 'Made ' + time(record.made_at) + ' UTC from ' + record.state_file
  + (record.plan ? ', plan ' + record.plan.slice(0, 12) : '') + (record.in_use ? ', while a run was at work' : '') + '. Confidential: it holds addresses.';
if (record.kind === 'rehearsal') banner('kind', 'A rehearsal: no school has had a letter by it.');
if (record.kind === 'outbox') banner('kind', 'The outbox: these letters were written into a folder; accepted means that the file is there.');
if (record.notice) banner('notice', record.notice);
totals();
lookInto();
runs();
log();
startLetters();
drawTimeline();
let drawn = at('timeline').clientWidth;
window.addEventListener('resize', () => {
  if (at('timeline').clientWidth === drawn) return;
  drawn = at('timeline').clientWidth;
  drawTimeline();
});
