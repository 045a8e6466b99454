// The timeline: how many letters were accepted by when, with runs, and the waits that were asked for.

const SVG = 'http://www.w3.org/2000/svg';

function shape(name, attributes, text) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text) element.append(text);
  return element;
}

/** When a letter was accepted first; one that was sent again was accepted before. */
const firstAccepted = (letter) => letter.sendings.map((sending) => sending.accepted_at).find((moment) => moment) || letter.accepted_at;

/** What stands on the timeline, in milliseconds. */
function gather() {
  const accepted = record.letters.map(firstAccepted).filter((moment) => moment)
    .map((moment) => Date.parse(moment)).sort((a, b) => a - b);
  const waits = record.waits.map((wait) => {
    const begin = Date.parse(wait.at);
    return { begin, end: begin + wait.seconds * 1000, seconds: wait.seconds };
  });
  const made = Date.parse(record.made_at);
  const signs = accepted.concat(waits.map((wait) => wait.begin)).sort((a, b) => a - b);
  const runs = record.runs.map((run, index) => {
    const begin = Date.parse(run.began_at);
    const next = index + 1 < record.runs.length ? Date.parse(record.runs[index + 1].began_at) : made;
    let end = run.state === 'ended' ? Date.parse(run.ended_at) : begin;
    // A run that was cut off lasted at least until its last sign of life.
    if (run.state !== 'ended') for (const sign of signs) if (sign >= begin && sign < next) end = Math.max(end, sign);
    if (run.state === 'active' && record.in_use) end = made;
    return { begin, end: Math.max(begin, end), run };
  });
  // A run that was stopped did not wait to the end.
  for (const wait of waits) {
    const within = runs.find(({ begin, end }) => wait.begin >= begin && wait.begin <= end);
    if (within) wait.end = Math.min(wait.end, Math.max(within.end, wait.begin));
  }
  // Two connections may be asked at once; a moment is waited through once.
  waits.sort((a, b) => a.begin - b.begin).forEach((wait, index) => {
    const before = waits[index - 1];
    if (before && before.end > wait.begin) [wait.begin, wait.end] = [before.end, Math.max(before.end, wait.end)];
  });
  return { accepted, waits, runs };
}

/** Spans in which something happened; long silences between them are cut out, at most so many. */
function spans({ accepted, waits, runs }, cuts) {
  const all = runs.map(({ begin, end }) => [begin, end])
    .concat(waits.map(({ begin, end }) => [begin, end]), accepted.map((moment) => [moment, moment]))
    .sort((a, b) => a[0] - b[0]);
  const merged = [];
  for (const [begin, end] of all) {
    const last = merged[merged.length - 1];
    if (last && begin <= last[1]) last[1] = Math.max(last[1], end);
    else merged.push([begin, end]);
  }
  const busy = merged.reduce((sum, [begin, end]) => sum + end - begin, 0);
  const silence = (index) => merged[index + 1][0] - merged[index][1];
  const kept = merged.slice(1).map((_, index) => index)
    .filter((index) => silence(index) > Math.max(busy / 4, 5000))
    .sort((a, b) => silence(b) - silence(a)).slice(0, cuts);
  const result = [];
  merged.forEach(([begin, end], index) => {
    if (index === 0 || kept.includes(index - 1)) result.push([begin, end]);
    else result[result.length - 1][1] = end;
  });
  return result;
}

/** From time to place: each span takes its share of the width, and no less than a little. */
function scale(parts, left, right) {
  const gap = 26;
  const least = Math.min(40, (right - left) / (2 * parts.length));
  const width = right - left - gap * (parts.length - 1);
  const busy = parts.reduce((sum, [begin, end]) => sum + end - begin, 0);
  let x = left;
  const placed = parts.map(([begin, end]) => {
    const share = busy > 0 ? (end - begin) / busy : 1 / parts.length;
    const wide = least + share * (width - least * parts.length);
    const part = { begin, end, x, wide };
    x += wide + gap;
    return part;
  });
  const place = (moment) => {
    const part = placed.findLast(({ begin }) => moment >= begin) || placed[0];
    const share = part.end > part.begin ? (moment - part.begin) / (part.end - part.begin) : 0.5;
    return part.x + Math.min(Math.max(share, 0), 1) * part.wide;
  };
  return { placed, place };
}

function drawTimeline() {
  const home = at('timeline');
  const data = gather();
  if (data.accepted.length === 0) {
    home.replaceChildren(make('p', { class: 'quiet' }, 'No letter has been accepted yet.'));
    return;
  }
  const width = Math.max(280, Math.min(home.clientWidth, 1200));
  const [left, right, top, bottom] = [48, width - 12, 16, 190];
  const { placed, place } = scale(spans(data, width < 560 ? 2 : 6), left, right);
  const most = data.accepted.length;
  const up = (count) => bottom - (count / most) * (bottom - top);
  const waited = data.waits.reduce((sum, wait) => sum + (wait.end - wait.begin) / 1000, 0);
  const iso = (moment) => time(new Date(moment).toISOString());
  const described = plural(most, 'letter') + ' accepted between ' + iso(data.accepted[0]) + ' and '
    + iso(data.accepted[most - 1]) + ' UTC' + (data.waits.length
    ? '; the server asked to wait ' + plural(data.waits.length, 'time') + ', ' + span(waited) + ' in all' : '');
  const svg = shape('svg', { viewBox: `0 0 ${width} 240`, width, height: 240, role: 'img', 'aria-label': described });

  for (const wait of data.waits) {
    const x = place(wait.begin);
    const box = shape('rect', { class: 'wait', x, y: top, width: Math.max(2, place(wait.end) - x), height: bottom - top });
    box.append(shape('title', {}, 'The server asked to wait ' + span(wait.seconds) + ', at ' + iso(wait.begin) + ' UTC'));
    svg.append(box);
  }
  // On a short scale the half is no whole letter.
  for (const count of most > 1 && most % 2 === 0 ? [0, most / 2, most] : [0, most]) {
    svg.append(shape('line', { class: 'grid', x1: left, x2: right, y1: up(count), y2: up(count) }));
    svg.append(shape('text', { x: left - 8, y: up(count) + 4, 'text-anchor': 'end' }, figure(count)));
  }
  for (const { begin, end, run } of data.runs) {
    const x = place(begin);
    const bar = shape('rect', { class: 'run ' + run.state, x, y: bottom + 5, rx: 2, width: Math.max(3, place(end) - x), height: 7 });
    bar.append(shape('title', {}, 'Run ' + run.number + ', ' + run.command + ': ' + (run.ending || ended(run)).split('\n')[0]));
    svg.append(bar);
  }
  placed.slice(1).forEach((part) => svg.append(shape('text', { class: 'cut-out', x: part.x - 13, y: bottom + 13, 'text-anchor': 'middle' }, '⋯')));

  const step = Math.ceil(most / 700);
  let line = `M${place(data.accepted[0]).toFixed(1)} ${up(0)}`;
  data.accepted.forEach((moment, index) => {
    if (index % step !== 0 && index !== most - 1) return;
    line += `H${place(moment).toFixed(1)}V${up(index + 1).toFixed(1)}`;
  });
  svg.append(shape('path', { class: 'line', d: line }));
  svg.append(shape('circle', { class: 'dot', cx: place(data.accepted[most - 1]), cy: up(most), r: 3.5 }));

  let free = -Infinity;
  const label = (x, moment, anchor) => {
    const from = anchor === 'end' ? x - 66 : x;
    if (from < free || from + 66 > right + 4) return;
    svg.append(shape('text', { x, y: bottom + 29, 'text-anchor': anchor }, iso(moment).slice(0, 10)));
    svg.append(shape('text', { x, y: bottom + 44, 'text-anchor': anchor }, iso(moment).slice(11)));
    free = from + 78;
  };
  const last = placed[placed.length - 1];
  placed.forEach((part) => label(Math.min(part.x, right - 66), part.begin, 'start'));
  label(last.x + last.wide, last.end, 'end');

  const key = (kind, text, sign) => make('li', {}, make('span', { class: 'key ' + kind, 'aria-hidden': 'true' }, sign || ''), text);
  home.replaceChildren(svg, make('ul', { class: 'legend quiet' }, key('line', 'accepted'), key('run', 'run'),
    data.runs.some(({ run }) => run.state === 'cut_off') ? key('run cut_off', 'run that was cut off') : null,
    data.runs.some(({ run }) => run.state === 'active') ? key('run active', 'run that is ' + ended({ state: 'active' })) : null,
    data.waits.length ? key('wait', 'the server asked to wait (' + plural(data.waits.length, 'time') + ', ' + span(waited) + ')') : null,
    placed.length > 1 ? key('', 'time cut out', '⋯') : null));
}
