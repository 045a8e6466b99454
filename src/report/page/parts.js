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

/** The state of a letter, marked by more than its colour. */
function chip(letter) {
  const signs = { pending: '○', accepted: '✓', rejected: '✕', in_doubt: '?' };
  const partly = letter.refused.length > 0;
  return make('span', { class: 'chip ' + (partly ? 'partly' : letter.state) },
    make('span', { 'aria-hidden': 'true' }, partly ? '!' : signs[letter.state]),
    ' ' + (partly ? 'partly refused' : WORDS[letter.state]));
}

function table(heads, rows) {
  return make('table', {},
    make('thead', {}, make('tr', {}, heads.map((head) => make('th', { scope: 'col' }, head)))),
    make('tbody', {}, rows.map((row) => make('tr', {}, row.map((cell) => make('td', {}, cell))))));
}
