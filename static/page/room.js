// The section of a room: board, seats, chat, and actions about absent players. It only shows the
// room object; the server decides.

import { linkTo } from '/static/page/address.js';
import { copyAndSay } from '/static/page/clipboard.js';
import { Clocks } from '/static/page/clocks.js';
import { Confirmation } from '/static/page/confirmation.js';
import { inWords, onClock } from '/static/page/durations.js';
import { byId, fillSelect, make, onPress, write } from '/static/page/elements.js';
import { partOf, rulesOf, styleOf, titleOf } from '/static/page/games.js';
import { onLanguage, say, sayWord } from '/static/page/language.js';
import { attempt, explain } from '/static/page/problems.js';
import { hasBoard, isInMatch, isPractice, RoomBoard } from '/static/page/room-board.js';
import { RoomBanners } from '/static/page/room-banners.js';
import { RoomChat } from '/static/page/room-chat.js';
import { RoomPanels } from '/static/page/room-panels.js';
import { RoomSeats } from '/static/page/room-seats.js';
import { afkRules } from '/static/page/room-words.js';
import { Strip } from '/static/page/strip.js';
import { setTitle } from '/static/page/title.js';
import { toast } from '/static/page/toasts.js';

const LEAST_BREAK = 1; // seconds of the budget
const ROOM_BREAKS = [30, 60, 120, 180, 300]; // seconds
const ROOM_BREAK = 60;

export class RoomView {
  #here;
  #games;
  #alerts;
  #onLeave;
  #room = null;
  #wanted = null; // the id in the address
  #watches = null; // the id of a room to be watched only
  #problem = null; // why there is no room: {code} and words
  #hasFailed = false; // the room failed to load; false if the server refused it
  #isOpen = false;
  #isLow = false;
  #clocks = new Clocks(() => this.#draw());
  #leaving = new Confirmation('leave', 'room-leave', { onYes: () => this.#leave() });
  #seats = new RoomSeats(this.#clocks);
  #strip;
  #panels;
  #banners;
  #chat;
  #board;

  /** onLeave(room, wasPlaying): the player left the room. */
  constructor(here, games, alerts, { onLeave }) {
    this.#here = here;
    this.#games = games;
    this.#alerts = alerts;
    this.#onLeave = onLeave;
    const act = (what) => this.#do(what);
    this.#strip = new Strip(this.#clocks, { act, onOwnClock: (clock) => this.#hearClock(clock) });
    this.#panels = new RoomPanels(here);
    this.#banners = new RoomBanners(here, this.#clocks, { act, onAbsence: () => this.#draw() });
    this.#chat = new RoomChat(here, { say: (text) => this.#room.say(text) });
    this.#board = new RoomBoard({ onProblem: (problem) => this.#complain(problem) });
    here.on('room', (room) => { if (room === this.#room) this.#draw(); });
    here.on('pulse', ({ room, by }) => {
      if (room === this.#room?.id) alerts.raise(say('room.pulse_title'), say('room.pulse_text', { name: by }));
    });
    here.on('roomClosed', ({ room, reason, detail }) => {
      if (room !== this.#wanted) return;
      this.#fail({ code: reason, text: sayWord(`room.closed_${reason}`, {}, detail) });
    });
    onPress(byId('room-again'), () => this.#enter());
    onPress(byId('room-watch'), () => this.#enter({ spectate: true }));
    onPress(byId('room-invite'), () => this.copyLink());
    onPress(byId('room-leave'), () => this.#askToLeave());
    onPress(byId('room-brb'), async () => {
      if (await this.#do((room) => room.brb(Number(byId('room-brb-for').value)))) this.#panels.close();
    });
    onLanguage(() => this.#draw());
  }

  /** Opens the next room as a spectator. */
  watchOnly(id) {
    this.#watches = id;
  }

  /** The section is shown, with the room in the address. */
  open(id) {
    this.#isOpen = true;
    if (id === this.#wanted && (this.#room !== null || this.#problem === null)) {
      this.#draw();
      return;
    }
    this.#forget();
    this.#wanted = id;
    const known = this.#here.rooms.joined.get(id);
    this.#enter({ spectate: this.#watches === id, isBack: known !== undefined });
    this.#watches = null;
  }

  /** The section is hidden: a player keeps the seat, a spectator leaves. */
  close() {
    this.#isOpen = false;
    this.#panels.draw(null, false);
    this.#clocks.clear();
    this.#hearClock(null);
    if (this.#room !== null && this.#room.seat !== null) return;
    this.#room?.leave();
    this.#forget();
  }

  /** After an outage: loads what failed to load. */
  async retry() {
    if (this.#hasFailed) await this.#enter();
  }

  /** The player signed out, or another one signed in. */
  clear() {
    this.#forget();
    this.#draw();
  }

  async copyLink() {
    const link = `${location.origin}/${linkTo(this.#wanted)}`;
    const said = byId('room-said');
    if (!await copyAndSay(link, said, { said: say('room.copied'), after: () => '' })) write(said, link);
  }

  // Entering and leaving

  async #enter({ spectate = false, isBack = false } = {}) {
    const id = this.#wanted;
    this.#problem = null;
    this.#hasFailed = false;
    this.#draw();
    await attempt(() => this.#comeIn(id, { spectate, isBack }), (problem) => {
      if (id !== this.#wanted) return;
      this.#fail({ code: problem.code, text: explain(problem) });
      this.#hasFailed = problem.code === '';
    });
  }

  async #comeIn(id, { spectate, isBack }) {
    const [{ game }] = await Promise.all([this.#here.rooms.find(id), this.#games.load()]);
    const Part = partOf(game);
    if (id !== this.#wanted) return;
    // Own properties only: every function inherits an `apply`.
    const apply = Part !== null && Object.hasOwn(Part, 'apply') ? (view, diff) => Part.apply(view, diff) : undefined;
    const [room] = await Promise.all([
      isBack ? this.#here.rooms.joined.get(id) : this.#here.rooms.join(id, { spectate, apply }),
      styleOf(game),
    ]);
    if (id !== this.#wanted && room?.seat === null) room.leave(); // another section is shown by now
    if (id !== this.#wanted || room === undefined) return;
    this.#board.use(game, Part);
    this.#strip.use(game, Part);
    this.#room = room;
    this.#leaveOthers();
    this.#draw();
    if (document.activeElement === document.body) byId('room-title').focus({ preventScroll: true });
  }

  // A player has one seat. During a match the server refuses another.
  #leaveOthers() {
    for (const other of this.#here.rooms.joined.values()) {
      if (other !== this.#room && !isInMatch(other)) other.leave();
    }
  }

  #fail(problem) {
    this.#clear();
    this.#problem = problem;
    this.#draw();
    if (document.activeElement === document.body) byId('room-wait-title').focus();
  }

  #forget() {
    this.#clear();
    this.#wanted = this.#problem = null;
  }

  #clear() {
    this.#room = null;
    this.#hasFailed = false;
    this.#clocks.clear();
    this.#seats.clear();
    this.#strip.clear();
    this.#banners.clear();
    this.#chat.clear();
    this.#board.clear();
    this.#leaving.close();
    for (const id of ['room-error', 'room-said']) toast(byId(id), '');
    this.#hearClock(null);
  }

  #askToLeave() {
    if (!isInMatch(this.#room) || isPractice(this.#room)) {
      this.#leave();
      return;
    }
    const grace = this.#games.get(this.#room.info.game)?.policy.leave_grace;
    write(byId('leave-question'), say('room.leave_sure', { grace: grace ? inWords(grace) : '' }));
    this.#leaving.ask();
  }

  #leave() {
    const room = this.#room;
    const wasPlaying = isInMatch(room) && !isPractice(room);
    room.leave();
    this.#forget();
    this.#onLeave(room, wasPlaying);
  }

  // Actions

  #do(what) {
    toast(byId('room-error'), '');
    return attempt(() => what(this.#room, this.#here, this), (problem) => this.#complain(problem));
  }

  #complain(problem) {
    toast(byId('room-error'), explain(problem));
  }

  // Drawing

  #draw() {
    if (!this.#isOpen) return;
    const room = this.#room;
    byId('room-wait').hidden = room !== null;
    byId('room-table').hidden = room === null;
    this.#panels.draw(room, room !== null && hasBoard(room));
    if (room === null) {
      this.#drawWait();
      return;
    }
    const { info } = room;
    const game = this.#games.get(info.game);
    write(byId('room-title'), titleOf(info.game));
    this.#drawAbout(info);
    this.#board.draw(room);
    this.#chat.draw(room);
    this.#seats.draw(room);
    this.#strip.draw(room, game?.policy);
    this.#banners.draw(room, game);
    this.#drawBreak(room);
    this.#drawRules(game);
    if (!isInMatch(room)) this.#leaving.close();
  }

  #drawWait() {
    const problem = this.#problem;
    byId('room-wait').classList.toggle('is-loading', problem === null);
    write(byId('room-wait-title'), say(problem === null ? 'room.coming_in' : 'room.no_room'));
    write(byId('room-wait-text'), problem?.text ?? '');
    byId('room-wait-buttons').hidden = problem === null;
    byId('room-again').hidden = problem === null || ['no_such_room', 'failed', 'empty', 'idle', 'already_seated'].includes(problem.code);
    byId('room-watch').hidden = problem?.code !== 'already_seated';
  }

  #drawAbout({ private: isPrivate, spectators }) {
    const parts = [say(isPrivate ? 'room.private' : 'room.public')];
    if (spectators > 0) parts.push(say('play.spectators', { count: spectators }));
    write(byId('room-about'), parts.join(' · '));
  }

  #drawBreak(room) {
    const { own } = room;
    const left = own?.brb_left ?? 0;
    const mayGo = isInMatch(room) && own.back_at === undefined && left >= LEAST_BREAK;
    byId('room-break').hidden = !mayGo;
    if (!mayGo) return;
    write(byId('room-brb-left'), say('room.brb_left', { clock: onClock(left) }));
    byId('room-brb').disabled = room.isStale;
    const select = byId('room-brb-for');
    const offered = [...ROOM_BREAKS.filter((seconds) => seconds < left), left];
    fillSelect(select, offered.map((seconds) => [seconds, onClock(seconds)]), select.value || ROOM_BREAK, left);
  }

  #drawRules(game) {
    const list = byId('afk-rules');
    byId('how-to-play').hidden = game === undefined || rulesOf(game.name) === '';
    byId('afk').hidden = game === undefined;
    if (game === undefined) return;
    write(byId('how-to-play-text'), rulesOf(game.name));
    const rules = afkRules(game.policy);
    if (list.dataset.rules === rules.join()) return;
    list.dataset.rules = rules.join();
    list.replaceChildren(...rules.map((rule) => make('li', '', rule)));
  }

  /** Shows the player's own clock in the title, and as an alert while the page is hidden. */
  #hearClock(clock) {
    const isTold = clock !== null && (clock.isLow || document.visibilityState === 'hidden');
    setTitle('room', isTold ? say('room.document', { clock: clock.clock }) : null);
    const isLow = clock?.isLow === true;
    if (isLow && !this.#isLow) this.#alerts.raise(say('room.low_title'), say('room.low_text', { clock: clock.clock }));
    if (!isLow && this.#isLow) this.#alerts.lower();
    this.#isLow = isLow;
  }
}
