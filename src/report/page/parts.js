'use strict';
// Everything that a page shows is put in as text, here and in the timeline.

const record = JSON.parse(document.getElementById('data').textContent);
const at = (id) => document.getElementById(id);

/** An element with attributes and children; strings become text. */
function make(name, attributes, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) {
    if (value === true) element.setAttribute(key, '');
    else if (value !== false && value !== null) element.setAttribute(key, value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

const figure = (number) => number.toLocaleString('en-GB');
const plural = (number, noun) => figure(number) + ' ' + noun + (number === 1 ? '' : 's');

/** 2026-01-12T12:00:00.123Z as people read it. The zone is said beside it. */
const time = (text) => (text ? text.slice(0, 10) + ' ' + text.slice(11, 19) : '');

function span(seconds) {
  const whole = Math.round(seconds);
  if (whole < 60) return whole + ' s';
  if (whole < 3600) return Math.floor(whole / 60) + ' min ' + (whole % 60) + ' s';
  return Math.floor(whole / 3600) + ' h ' + Math.floor((whole % 3600) / 60) + ' min';
}

const WORDS = { pending: 'not sent', accepted: 'accepted', rejected: 'rejected', in_doubt: 'in doubt' };
const SIGNS = { pending: '○', accepted: '✓', rejected: '✕', refused: '✕', in_doubt: '?' };
const ACCEPTED = record.kind === 'outbox' ? 'the file is in the folder' : 'our server took it; it says nothing of delivery';

/** Whether a letter was accepted, and addresses of the list do not have it or mail about it is to be looked at. */
const isPartly = (letter) => letter.state === 'accepted' && letter.look_into;

/** Addresses that a letter bounced at. */
const bounced = (letter) => letter.addresses.filter(({ outcome }) => outcome === 'bounced');

/** What is said of such a letter in a word. */
function partlyWord(letter) {
  if (letter.refused.length) return 'partly refused';
  return bounced(letter).length ? 'bounced' : letter.look.length ? 'to look at' : 'partly sent';
}

const mark = (kind, sign, word) => make('span', { class: 'chip ' + kind, title: kind === 'accepted' ? ACCEPTED : null },
  make('span', { 'aria-hidden': 'true' }, sign), ' ' + word);

/** The state of a letter, marked by more than its colour. */
const chip = (letter) => (isPartly(letter) ? mark('partly', '!', partlyWord(letter)) : mark(letter.state, SIGNS[letter.state], WORDS[letter.state]));

/** That of an address. Of a message that no server took it is what became of the message. */
function addressChip(letter, address) {
  if (address.state !== 'pending') return mark(address.state, SIGNS[address.state], address.state);
  const sending = letter.sendings.findLast((one) => one.message_id === address.message_id);
  const state = !sending ? 'pending' : sending.state === 'claimed' ? letter.state : sending.state;
  return state in WORDS && state !== 'accepted' ? mark(state, SIGNS[state], WORDS[state]) : mark('pending', SIGNS.pending, WORDS.pending);
}

/** How the list differs from what was sent; none where it does not. */
function changes(letter) {
  const { changed } = letter;
  if (!changed) return [];
  return [...changed.new_addresses.map((address) => 'new in the list: ' + address),
    ...changed.no_longer_listed.map((address) => 'no longer in the list: ' + address),
    ...(changed.attachments ? ['another report'] : []), ...(changed.text ? ['another text'] : [])];
}

const changedMark = (letter) => (changes(letter).length ? make('span', { class: 'changed' }, 'changed since') : null);

/** An id as a shell takes it for one word. */
function shellWord(id) {
  if (/^[\p{L}\p{N}_.,@%+:\/-]+$/u.test(id)) return id;
  return /["$`\\!]/.test(id) ? "'" + id.replaceAll("'", "'\\''") + "'" : '"' + id + '"';
}

/** A table that is laid out as a list on a telephone; therefore its roles are said. */
function table(heads, rows) {
  return make('table', { role: 'table', class: 'plain' },
    make('thead', { role: 'rowgroup' }, make('tr', { role: 'row' }, heads.map((head) => make('th', { scope: 'col', role: 'columnheader' }, head)))),
    make('tbody', { role: 'rowgroup' }, rows.map((row) => make('tr', { role: 'row' }, row.map((cell, column) => make('td', { role: 'cell', 'data-head': heads[column] }, cell))))));
}

/** How a run ended. One that has not said so is under way, or was cut off and no other one has begun. */
function ended(run) {
  if (run.state === 'ended') return time(run.ended_at);
  if (run.state === 'cut_off') return 'cut off';
  return record.in_use ? 'under way' : 'under way, or cut off';
}
