// The player's signed-in browsers: signing out one or all of them, and the password.

import { Confirmation } from '/static/page/confirmation.js';
import { byId, make, onPress, shape, write } from '/static/page/elements.js';
import { KeyedList } from '/static/page/keyed-list.js';
import { dateAndTime, onLanguage, say } from '/static/page/language.js';
import { PasswordForm } from '/static/page/password.js';
import { attemptIn } from '/static/page/problems.js';
import { showStatus } from '/static/page/status.js';

const PHONES = new Set(['Android', 'iOS', 'iPadOS']);

export class Devices {
  #here;
  #rows = new KeyedList(byId('device-list'));
  #sessions = [];
  #hasFailed = false;
  #password;
  #everywhere;

  constructor(here) {
    this.#here = here;
    this.#password = new PasswordForm(here, { onChanged: () => this.#load() });
    this.#everywhere = new Confirmation('everywhere', 'sign-out-everywhere', {
      onYes: () => this.#do(() => here.signOutEverywhere(), byId('everywhere-yes')), onChange: () => this.#drawOffer(),
    });
    onPress(byId('sign-out-everywhere'), () => this.#everywhere.ask());
    onLanguage(() => {
      this.#rows.clear();
      this.#draw();
    });
  }

  /** The section is shown. */
  async open() {
    write(byId('devices-said'), '');
    this.#everywhere.close();
    this.#password.open();
    await this.#load();
  }

  /** The section is hidden. */
  close() {
    this.#password.clear();
  }

  clear() {
    this.#sessions = [];
    this.#hasFailed = false;
    this.#password.clear();
    this.#rows.clear();
  }

  /** After an outage: loads what failed to load. */
  async retry() {
    if (this.#hasFailed) await this.#load();
  }

  async #load() {
    await this.#do(async () => {
      this.#sessions = await this.#here.sessions();
      this.#draw();
    });
  }

  /** After a call that failed, it is unknown which sessions there are. */
  async #do(call, busy) {
    const isDone = await attemptIn(byId('devices-error'), call, busy);
    if (isDone !== null) this.#hasFailed = !isDone;
    return isDone;
  }

  #drawOffer() {
    byId('everywhere-offer').hidden = this.#everywhere.isOpen || this.#here.player?.guest === true;
  }

  #draw() {
    if (!this.#here.isSignedIn) return;
    byId('devices-text').textContent = say(this.#here.player.guest ? 'devices.text_guest' : 'devices.text');
    const inOrder = this.#sessions.toSorted(
      (a, b) => b.current - a.current || b.last_activity_at.localeCompare(a.last_activity_at),
    );
    this.#rows.draw(inOrder, {
      keyOf: ({ id }) => id,
      partsOf: (session, known) => this.#partsOf(session, known),
    });
    this.#drawOffer();
  }

  /** Updated in place: the list is loaded again after an outage, while one of its buttons may have the focus. */
  #partsOf(session, known) {
    const parts = known ?? this.#newRow(session);
    const { connections, created_at: signedInAt, last_activity_at: lastAt } = session;
    showStatus(parts.status, session.status);
    write(parts.signedIn, say('devices.signed_in', { at: dateAndTime(signedInAt) }));
    write(parts.about, [
      say('devices.last_activity', { at: dateAndTime(lastAt) }),
      connections ? say('devices.tabs', { count: connections }) : say('devices.no_tab'),
    ].join(' · '));
    return parts;
  }

  #newRow(session) {
    const parts = {
      element: make('li', 'device'), status: make('span'), signedIn: make('p', 'muted'), about: make('p', 'muted'),
    };
    parts.element.dataset.sessionId = session.id;
    const icon = make('span', 'device-icon');
    icon.append(shape(PHONES.has(session.system) ? 'icon-phone' : 'icon-desk'));
    const head = make('p', 'device-name');
    head.append(make('span', '', nameOf(session)));
    if (session.current) head.append(' ', make('span', 'tag', say('devices.this')));
    if (session.remember) head.append(' ', make('span', 'tag muted-tag', say('devices.remembered')));
    const text = make('div', 'device-text');
    text.append(head, parts.signedIn, parts.about);

    const button = make('button', 'quiet', say('devices.sign_out'));
    button.type = 'button';
    const which = session.current ? 'devices.sign_out_this' : 'devices.sign_out_one';
    button.setAttribute('aria-label', say(which, {
      device: nameOf(session), at: dateAndTime(session.created_at),
    }));
    onPress(button, () => this.#signOut(session, button));
    parts.element.append(icon, text, parts.status, button);
    return parts;
  }

  async #signOut(session, button) {
    write(byId('devices-said'), ''); // the text for another device of the same name is announced only if it is new
    const isOut = await this.#do(() => this.#here.signOutOne(session.id), button);
    if (!isOut || !this.#here.isSignedIn) return;
    await this.#load();
    write(byId('devices-said'), say('devices.signed_out', { device: nameOf(session) }));
    byId('devices-title').focus(); // the focused button was removed
  }
}

function nameOf({ browser, system }) {
  if (browser && system) return say('devices.on', { browser, system });
  return browser ?? system ?? say('devices.unknown');
}
