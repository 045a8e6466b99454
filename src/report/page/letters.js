// The table of letters: searched, filtered, a page at a time, so that 10,000 open as fast as 10.

const PAGE = 100;
const view = { query: '', state: '', page: 0, row: '' };
let hits = record.letters;

const plain = (text) => text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase();

/** All of a letter that can be looked for; made when it is first needed. */
function haystack(letter) {
  letter.haystack ??= plain([letter.id, letter.name || '', letter.message_id, ...letter.to, ...letter.cc, ...letter.bcc,
    letter.error ? letter.error.code + ' ' + letter.error.text : '', letter.receipt || '',
    ...letter.sendings.flatMap((sending) => [sending.message_id, sending.reason || '']),
    ...letter.addresses.flatMap(({ address, text }) => [address, text || '']),
    ...letter.attachments.flatMap((file) => [file.name, file.sha256])].join('\n'));
  return letter.haystack;
}

/** Whether a letter is among those that were chosen. */
function isOf(letter, state) {
  if (state === 'look') return letter.look_into;
  return state === 'changed' ? changes(letter).length > 0 : letter.state === state;
}

function search() {
  const words = plain(view.query).split(/\s+/).filter(Boolean);
  hits = record.letters.filter((letter) => {
    if (view.state && !isOf(letter, view.state)) return false;
    return words.every((word) => haystack(letter).includes(word));
  });
}

function pages() {
  return Math.max(1, Math.ceil(hits.length / PAGE));
}

/** Whose row is open, by the place on its page; none when it is not among the hits. */
function openRow() {
  return view.row === '' ? -1 : hits.findIndex((letter) => letter.id === view.row);
}

function show(focus) {
  view.page = Math.min(Math.max(view.page, 0), pages() - 1);
  const from = view.page * PAGE;
  const shown = hits.slice(from, from + PAGE);
  at('rows').replaceChildren(...shown.flatMap((letter, index) => row(letter, from + index)));
  at('found').textContent = hits.length === record.letters.length
    ? plural(hits.length, 'letter') : figure(hits.length) + ' of ' + plural(record.letters.length, 'letter');
  at('pages').hidden = pages() === 1;
  at('page').textContent = hits.length === 0 ? '' : figure(from + 1) + '–' + figure(from + shown.length) + ' of ' + figure(hits.length);
  at('earlier').disabled = view.page === 0;
  at('later').disabled = view.page === pages() - 1;
  if (focus !== undefined) button(focus)?.focus();
  remember();
}

const button = (index) => document.querySelector(`#rows button[data-index="${index}"]`);

/** One letter. The roles are said, since on a telephone the rows are no longer laid out as a table. */
function row(letter, index) {
  const open = letter.id === view.row;
  const name = 'all-of-' + index;
  const toggle = make('button', { type: 'button', class: 'open', 'data-index': index, 'aria-expanded': open ? 'true' : 'false', 'aria-controls': open ? name : null }, letter.id);
  toggle.addEventListener('click', () => {
    view.row = open ? '' : letter.id;
    show(index);
  });
  // Who has it stands before who has not.
  const first = letter.addresses.find(({ state }) => state === 'accepted') || letter.addresses[0];
  const more = letter.addresses.length - 1;
  const line = make('tr', { class: open ? 'is-open' : null, role: 'row' },
    make('th', { scope: 'row', role: 'rowheader' }, toggle),
    make('td', { class: 'name', role: 'cell' }, letter.name || ''),
    make('td', { class: 'state', role: 'cell' }, chip(letter), changedMark(letter)),
    make('td', { class: 'when', role: 'cell' }, time(letter.accepted_at)),
    make('td', { class: 'to', role: 'cell' }, (first ? first.address : '') + (more > 0 ? ' and ' + more + ' more' : '')));
  return open ? [line, make('tr', { class: 'all', id: name, role: 'row' }, make('td', { colspan: 5, role: 'cell' }, details(letter)))] : [line];
}

function details(letter) {
  const list = make('dl', {});
  const add = (term, ...texts) => {
    if (texts.length) list.append(make('dt', {}, term), ...texts.map((text) => make('dd', {}, text)));
  };
  add(letter.sendings.length > 1 ? 'Sent ' + figure(letter.sendings.length) + ' times' : 'Sent', ...letter.sendings.map(sendingLines));
  if (!letter.sendings.length) add('Message-ID', letter.message_id);
  add('Addresses', ...letter.addresses.map((address) => addressLine(letter, address)));
  add('To look at', ...letter.look.filter(({ kind }) => kind !== 'suspected').map(({ why }) => why));
  add('Came back', ...[letter.replies ? plural(letter.replies, 'answer') : '', letter.auto_replies ? plural(letter.auto_replies, 'automatic answer') : '',
    ...letter.read_by.map((reader) => 'read, says the program of ' + reader)].filter(Boolean));
  add('Changed since', ...changes(letter));
  add('Tries', figure(letter.attempts));
  if (letter.receipt) add('Answer', letter.receipt);
  if (letter.error) add('Error', letter.error.code + ': ' + letter.error.text);
  if (letter.resolved) {
    const word = letter.resolved;
    add('Settled by hand', 'as ' + (word.accepted ? 'accepted' : 'unsent') + ' by ' + word.by + ', ' + time(word.at) + ' UTC'
      + (word.because ? ': ' + word.because : ''));
  }
  add('Attached', ...letter.attachments.map((file) => file.name + ', ' + figure(file.bytes) + ' bytes, ' + (file.locked ? 'locked with a password; before that ' : '') + 'SHA-256 ' + file.sha256));
  return list;
}

/** One message of a letter: when, to whom, under which name and why. */
function sendingLines(sending) {
  const state = sending.state.replace('_', ' ');
  const when = sending.accepted_at ? time(sending.accepted_at) + ' UTC' : state === 'ready' ? 'not taken' : state;
  const to = ['to', 'cc', 'bcc'].filter((header) => sending[header].length).map((header) => header + ' ' + sending[header].join(', ')).join('; ');
  return [make('div', {}, make('b', {}, when), ' ' + to),
    make('div', { class: 'quiet' }, 'Message-ID ' + sending.message_id),
    sending.reason ? make('div', {}, 'because: ' + sending.reason) : null];
}

function addressLine(letter, address) {
  const kind = address.kind === 'to' ? '' : ' (' + address.kind + ')';
  const answer = [address.code, address.text].filter(Boolean).join(' ');
  const lines = [addressChip(letter, address), ' ' + address.address + kind];
  if (address.state === 'refused' && answer) lines.push(': ' + answer);
  if (address.outcome !== 'unknown') {
    lines.push(make('div', {}, make('b', {}, address.outcome), (address.reason_in_words ? ': ' + address.reason_in_words : '')
      + (answer && address.state !== 'refused' ? ' (' + answer + ')' : '') + ', ' + time(address.outcome_at) + ' UTC'));
    if (address.evidence) {
      lines.push(make('div', { class: 'quiet' }, address.evidence.sha256
        ? 'by a ' + address.evidence.kind.replaceAll('_', ' ') + ', SHA-256 ' + address.evidence.sha256 : 'by the word: ' + address.evidence.text));
    }
  }
  if (address.suspected) lines.push(make('div', {}, make('b', {}, 'suspected'), ': ' + [address.suspected.code, address.suspected.text || address.suspected.why].filter(Boolean).join(' ') + '; the mail names no message of ours'));
  if (address.next) lines.push(make('div', {}, 'Next: ' + address.next));
  return lines;
}

/** What is looked at stands in the address, so that it can be kept and sent on. */
function remember() {
  const parts = new URLSearchParams();
  if (view.query) parts.set('q', view.query);
  if (view.state) parts.set('state', view.state);
  if (view.page) parts.set('page', view.page + 1);
  if (view.row) parts.set('row', view.row);
  const wanted = '#' + parts;
  if (location.hash !== wanted && !(wanted === '#' && !location.hash.includes('='))) history.replaceState(null, '', wanted);
}

function recall() {
  if (location.hash && !location.hash.includes('=')) return;
  const parts = new URLSearchParams(location.hash.slice(1));
  view.query = parts.get('q') || '';
  view.state = parts.get('state') || '';
  view.row = parts.get('row') || '';
  view.page = Number.parseInt(parts.get('page') || '1', 10) - 1 || 0;
  at('query').value = view.query;
  at('state').value = view.state;
  search();
  if (!parts.has('page') && openRow() >= 0) view.page = Math.floor(openRow() / PAGE);
  show();
  if (view.row && openRow() >= 0) button(openRow())?.scrollIntoView({ block: 'center' });
}

/** Shows one letter alone, as the list of letters to look into asks. */
function showLetter(letter) {
  Object.assign(view, { query: '', state: '', row: letter.id });
  at('query').value = '';
  at('state').value = '';
  search();
  view.page = Math.floor(openRow() / PAGE);
  show(openRow());
}

function look() {
  Object.assign(view, { query: at('query').value.trim(), state: at('state').value, page: 0, row: '' });
  search();
  show();
}

function turn(by) {
  view.page += by;
  show();
  at('letters').scrollIntoView();
}

function step(by) {
  const current = document.activeElement?.dataset?.index;
  const next = current === undefined ? view.page * PAGE : Number(current) + by;
  if (next < 0 || next >= hits.length) return;
  if (Math.floor(next / PAGE) !== view.page) {
    view.page = Math.floor(next / PAGE);
    show(next);
  } else button(next)?.focus();
}

function keys(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const field = event.target.closest?.('input, select, summary');
  const inTable = event.target.closest?.('#rows');
  if (event.key === '/' && !field) {
    event.preventDefault();
    at('query').focus();
    at('query').select();
  } else if (event.key === 'Escape' && (event.target === at('query') || inTable)) {
    event.preventDefault();
    at('query').value = '';
    at('state').value = '';
    look();
    at('query').focus();
  } else if (event.key === 'ArrowDown' && (inTable || event.target === at('query'))) {
    event.preventDefault();
    step(1);
  } else if (event.key === 'ArrowUp' && inTable) {
    event.preventDefault();
    step(-1);
  }
}

function startLetters() {
  const count = (wanted) => record.letters.filter(wanted).length;
  const choices = [['', 'all', record.letters.length], ['look', 'to look into', count((letter) => letter.look_into)],
    ['changed', 'changed since', count((letter) => changes(letter).length > 0)],
    ...Object.keys(WORDS).map((state) => [state, WORDS[state], count((letter) => letter.state === state)])];
  at('state').append(...choices.map(([value, word, number]) => make('option', { value }, word + ' (' + figure(number) + ')')));
  at('query').addEventListener('input', look);
  at('state').addEventListener('change', look);
  at('earlier').addEventListener('click', () => turn(-1));
  at('later').addEventListener('click', () => turn(1));
  document.addEventListener('keydown', keys);
  window.addEventListener('hashchange', recall);
  search();
  recall();
  if (!at('rows').hasChildNodes()) show();
}
