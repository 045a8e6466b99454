'use strict';
(() => {
  const data = JSON.parse(document.getElementById('data').textContent);
  const at = (id) => document.getElementById(id);
  const figure = new Intl.NumberFormat('en');
  const many = (count, word) =>
    figure.format(count) + ' ' + (count === 1 ? word : word.endsWith('s') ? word + 'es' : word + 's');
  const size = (bytes) =>
    bytes < 1e6 ? figure.format(Math.max(1, Math.round(bytes / 1e3))) + ' kB'
      : figure.format(Math.round(bytes / 1e5) / 10) + ' MB';
  const make = (tag, text, kind) => {
    const element = document.createElement(tag);
    if (text !== undefined) element.textContent = text;
    if (kind) element.className = kind;
    return element;
  };

  const letters = data.letters;
  const haystacks = letters.map((letter) =>
    [letter.id, letter.name, letter.subject, ...letter.to, ...letter.cc, ...letter.bcc]
      .join('\n').toLocaleLowerCase());
  const buttons = letters.map((letter, index) => {
    const button = make('button');
    button.type = 'button';
    button.append(make('span', letter.name || letter.id));
    if (letter.warnings.length > 0) {
      button.prepend(make('span', many(letter.warnings.length, 'warning'), 'flag'));
    }
    button.append(make('span', letter.id + ' · ' + letter.to.join(', '), 'sub'));
    button.addEventListener('click', () => { choose(index); at('letter').focus(); });
    return button;
  });
  const items = buttons.map((button) => {
    const item = make('li');
    item.append(button);
    return item;
  });

  let shown = [];
  let chosen = -1;
  let plain = false;

  // The address of the page tells what is shown, so that it can be reloaded and passed on.
  const read = () => new URLSearchParams(location.hash.slice(1));
  const write = () => {
    const hash = new URLSearchParams();
    if (chosen >= 0) hash.set('id', letters[chosen].id);
    if (at('search').value) hash.set('q', at('search').value);
    if (at('show').value !== 'all') hash.set('show', at('show').value);
    if (plain) hash.set('body', 'text');
    if (document.body.classList.contains('reading')) hash.set('view', 'letter');
    history.replaceState(null, '', '#' + hash);
  };

  const list = () => {
    const words = at('search').value.toLocaleLowerCase().split(/\s+/).filter(Boolean);
    const only = at('show').value === 'warnings';
    shown = [];
    letters.forEach((letter, index) => {
      const fits = words.every((word) => haystacks[index].includes(word));
      if (fits && (!only || letter.warnings.length > 0)) shown.push(index);
    });
    at('letters').replaceChildren(...shown.map((index) => items[index]));
    at('count').textContent = shown.length === letters.length
      ? many(letters.length, 'letter')
      : figure.format(shown.length) + ' of ' + many(letters.length, 'letter');
  };

  // The letter that is open is one of those in the list, or none is.
  const keepInStep = () => {
    at('none').hidden = shown.length > 0;
    at('open').hidden = shown.length === 0;
    if (shown.length > 0 && !shown.includes(chosen)) choose(shown[0], true);
    else steps();
  };

  const filter = () => { list(); keepInStep(); };

  const steps = () => {
    const place = shown.indexOf(chosen);
    at('previous').disabled = place <= 0;
    at('next').disabled = place < 0 ? shown.length === 0 : place === shown.length - 1;
    at('place').textContent = place < 0 ? '' : figure.format(place + 1) + ' of ' + figure.format(shown.length);
  };

  const header = (word, values) => {
    if (values.length === 0) return;
    at('headers').append(make('dt', word));
    values.forEach((value) => at('headers').append(make('dd', value)));
    // One term for several addresses: the empty cells keep the columns in step.
    for (let extra = 1; extra < values.length; extra += 1) {
      at('headers').insertBefore(make('dt'), at('headers').children[at('headers').children.length - (values.length - extra)]);
    }
  };

  const body = () => {
    const letter = letters[chosen];
    // A frame that is given a new address keeps no history of the old one.
    const frame = at('frame').cloneNode();
    frame.title = plain ? 'The plain text of the letter' : 'The letter as its recipient sees it';
    frame.src = 'letters/' + encodeURIComponent(letter.file) + (plain ? '.text.html' : '.html');
    at('frame').replaceWith(frame);
    for (const [tab, selected] of [['tab-html', !plain], ['tab-text', plain]]) {
      at(tab).setAttribute('aria-selected', String(selected));
      at(tab).tabIndex = selected ? 0 : -1;
    }
    at('body').setAttribute('aria-labelledby', plain ? 'tab-text' : 'tab-html');
  };

  const file = (attachment) => {
    const item = make('li');
    const link = make('a', attachment.name);
    link.href = attachment.link;
    link.target = '_blank';
    link.rel = 'noopener noreferrer';
    item.append(link, ' ' + size(attachment.bytes));
    if (attachment.pages !== undefined && attachment.pages !== null) {
      item.append(', ' + many(attachment.pages, 'page'));
    }
    if (attachment.locked) item.append(', locked with a password when it is sent');
    if (attachment.proof) item.append(', ', make('span', attachment.proof.text, attachment.proof.kind));
    item.append(make('br'), make('code', 'SHA-256 ' + attachment.sha256, 'quiet'));
    return item;
  };

  const choose = (index, stay) => {
    if (chosen >= 0) buttons[chosen].removeAttribute('aria-current');
    chosen = index;
    const letter = letters[index];
    at('none').hidden = true;
    at('open').hidden = false;
    buttons[index].setAttribute('aria-current', 'true');
    buttons[index].scrollIntoView({ block: 'nearest' });
    if (!stay) document.body.classList.add('reading');
    at('name').textContent = letter.name || letter.id;
    at('warnings').replaceChildren(...letter.warnings.map((warning) => {
      const item = make('li', (warning.place ? warning.place + ': ' : '') + warning.text);
      item.append(make('span', warning.next_step, 'quiet'));
      return item;
    }));
    at('headers').replaceChildren();
    header('Id', [letter.id]);
    header('From', [letter.from]);
    header('To', letter.to);
    header('Cc', letter.cc);
    header('Bcc', letter.bcc);
    if (letter.reply_to) header('Reply-To', [letter.reply_to]);
    header('Subject', [letter.subject]);
    if (letter.importance) header('Importance', [letter.importance]);
    if (letter.in_reply_to) header('Answers to', ['<' + letter.in_reply_to + '>']);
    header('Header', letter.headers);
    header('Message-ID', ['<' + letter.message_id + '>']);
    header('Size', [size(letter.bytes) + ' on the wire']);
    at('attachments').replaceChildren(...(letter.attachments.length > 0
      ? letter.attachments.map(file) : [make('li', 'none', 'quiet')]));
    at('eml').href = 'eml/' + encodeURIComponent(letter.file) + '.eml';
    body();
    steps();
    write();
  };

  const step = (by) => {
    const place = shown.indexOf(chosen);
    const next = place < 0 ? 0 : place + by;
    if (next >= 0 && next < shown.length) choose(shown[next]);
  };

  const show = (text) => { plain = text; body(); write(); };

  const back = () => {
    document.body.classList.remove('reading');
    write();
    if (chosen >= 0) buttons[chosen].focus();
  };

  at('batch').textContent = data.batch;
  at('summary').textContent = [
    'from ' + data.from,
    many(letters.length, 'letter'),
    many(data.addresses, 'address'),
    size(data.bytes),
    'plan ' + data.plan,
  ].join(' · ');
  if (data.notes.length > 0) {
    at('notes').hidden = false;
    at('notes').querySelector('summary').textContent = many(data.notes.length, 'note') + ' on the whole batch';
    at('notes').querySelector('ul').replaceChildren(...data.notes.map((note) =>
      make('li', note.severity + ': ' + (note.place ? note.place + ': ' : '') + note.text)));
  }

  at('search').addEventListener('input', () => { filter(); write(); });
  at('show').addEventListener('change', () => { filter(); write(); });
  at('previous').addEventListener('click', () => step(-1));
  at('next').addEventListener('click', () => step(1));
  at('back').addEventListener('click', back);
  at('tab-html').addEventListener('click', () => show(false));
  at('tab-text').addEventListener('click', () => show(true));
  document.querySelector('[role=tablist]').addEventListener('keydown', (event) => {
    if (event.key !== 'ArrowLeft' && event.key !== 'ArrowRight') return;
    show(!plain);
    at(plain ? 'tab-text' : 'tab-html').focus();
  });
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const typing = event.target instanceof HTMLInputElement || event.target instanceof HTMLSelectElement;
    if (typing) {
      if (event.key === 'Escape') { event.target.blur(); at('letter').focus(); }
      if (event.key === 'Enter' && event.target === at('search') && shown.length > 0) choose(shown[0]);
      return;
    }
    if (event.key === '/') { event.preventDefault(); at('search').focus(); at('search').select(); }
    if (event.key === 'j') step(1);
    if (event.key === 'k') step(-1);
    if (event.key === 'Escape') back();
  });
  at('letters').addEventListener('keydown', (event) => {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!by) return;
    event.preventDefault();
    const place = shown.findIndex((index) => buttons[index] === document.activeElement);
    const next = shown[place + by];
    if (next !== undefined) buttons[next].focus();
  });

  const restore = () => {
    const hash = read();
    at('search').value = hash.get('q') || '';
    at('show').value = hash.get('show') === 'warnings' ? 'warnings' : 'all';
    plain = hash.get('body') === 'text';
    const named = letters.findIndex((letter) => letter.id === hash.get('id'));
    if (named >= 0) {
      // A letter that is named is shown, whatever is searched for beside it.
      list();
      if (!shown.includes(named)) {
        at('search').value = '';
        at('show').value = 'all';
        list();
      }
      choose(named, hash.get('view') !== 'letter');
    } else filter();
  };
  window.addEventListener('hashchange', restore);
  restore();
})();
