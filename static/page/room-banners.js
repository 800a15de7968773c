// What a player in a room has to know, the most urgent first, with buttons for actions.

import { onClock } from '/static/page/durations.js';
import { byId, make, onPress, write } from '/static/page/elements.js';
import { KeyedList } from '/static/page/keyed-list.js';
import { namesOf, onLanguage, say } from '/static/page/language.js';
import { Lasting } from '/static/page/lasting.js';
import { freeSeats, isInMatch, isRunning, playsIn } from '/static/page/room-board.js';
import { costOf, headlineOf, whyOf } from '/static/page/room-words.js';

const SHOWN_AFTER = 1000; // ms of an absence; a reload takes less

export class RoomBanners {
  #here;
  #clocks;
  #do;
  #absent;
  #notes = new KeyedList(place('room-notes')); // beside the board, one at a time
  #cards = new KeyedList(place('room-cards')); // over the board
  #announced = new Set(); // ids
  #regions = new Map(); // live region -> ids of the banners in it

  /**
   * clocks: Clocks; act(what): does something in the room and shows problems; onAbsence(): an absence
   * has lasted long enough to be drawn.
   */
  constructor(here, clocks, { act, onAbsence }) {
    this.#here = here;
    this.#clocks = clocks;
    this.#do = act;
    this.#absent = new Lasting(SHOWN_AFTER, onAbsence);
    onLanguage(() => this.#empty());
  }

  clear() {
    this.#absent.clear();
    this.#empty();
  }

  #empty() {
    this.#notes.clear();
    this.#cards.clear();
    this.#announced.clear();
    write(byId('room-heard'), '');
    write(byId('room-alert'), '');
  }

  /** game: as listed by the server; undefined until loaded. */
  draw(room, game) {
    const absent = this.#absent.of(Object.values(room.info.seats).filter(isAbsent).map(({ player }) => player.id));
    const banners = bannersOf(room, game, this.#here.player?.id, absent);
    const how = { keyOf: ({ id }) => id, partsOf: (banner, known) => this.#partsOf(banner, known, room) };
    const gone = [
      ...this.#notes.draw(banners.filter(({ isCard }) => !isCard), how),
      ...this.#cards.draw(banners.filter(({ isCard }) => isCard), how),
    ];
    for (const id of gone) {
      this.#announced.delete(id);
      // A screen reader must not find outdated content.
      for (const [region, ids] of this.#regions) if (ids.includes(id)) write(byId(region), '');
    }
    this.#announce(banners);
  }

  #partsOf(banner, known, room) {
    const parts = known ?? newBanner(banner.id);
    this.#fill(parts, banner, room);
    return parts;
  }

  #fill(parts, { tone, at, text, buttons = [] }, room) {
    parts.element.dataset.tone = tone;
    this.#clocks.remove(parts.text);
    if (at === undefined) write(parts.text, text(''));
    else this.#clocks.set(parts.text, at, (clock) => write(parts.text, text(clock)));
    const does = buttons.map(({ label }) => label).join();
    if (parts.does !== does) {
      parts.does = does;
      parts.buttons.replaceChildren(...buttons.map(({ label, isQuiet, act }) => {
        const button = make('button', isQuiet ? '' : 'primary', label);
        button.type = 'button';
        onPress(button, () => this.#do(act));
        return button;
      }));
    }
    for (const button of parts.buttons.children) button.disabled = room.isStale;
    parts.buttons.hidden = buttons.length === 0;
  }

  // Once: announcing the time every second would leave none to answer. The new texts of a region are
  // written together, as a screen reader hears only the last one that is written to it.
  #announce(banners) {
    const unheard = banners.filter(({ id }) => !this.#announced.has(id));
    for (const { id } of unheard) this.#announced.add(id);
    for (const region of new Set(unheard.map(regionOf))) {
      const ofRegion = unheard.filter((banner) => regionOf(banner) === region);
      this.#regions.set(region, ofRegion.map(({ id }) => id));
      write(byId(region), ofRegion.map(textNow).join(' '));
    }
  }
}

function place(className) {
  const element = make('div', className);
  byId('room-banners').append(element);
  return element;
}

const regionOf = ({ tone }) => tone === 'urgent' ? 'room-alert' : 'room-heard';

const textNow = ({ at, text }) => text(at === undefined ? '' : onClock((at - performance.now()) / 1000));

function newBanner(id) {
  const parts = {
    element: make('div', 'banner'), text: make('p', 'banner-text'), buttons: make('div', 'banner-buttons'), does: '',
  };
  parts.element.append(parts.text, parts.buttons);
  parts.element.dataset.banner = id;
  return parts;
}

const isAbsent = ({ absent, status }) => absent !== undefined || status === 'reconnecting';

/** [{id, tone, at, text(clock), buttons, isCard}]; absent: the ids of the players whose absence is shown. */
function bannersOf(room, game, ownId, absent) {
  const during = isRunning(room.info)
    ? [...aboutOneself(room, game), ...aboutAbsent(room, absent), ...aboutPlace(room)]
    : aboutStart(room, game, ownId, absent);
  return [...during, ...aboutEnd(room)];
}

function aboutOneself({ own }, game) {
  if (own === null) return [];
  const banners = [];
  const cost = game === undefined ? '' : costOf(game.policy, own.skipped);
  if (own.asked) {
    banners.push({
      id: 'asked', isCard: true, tone: 'urgent', at: own.asked.expires_at,
      text: (clock) => say('room.asked', { name: own.asked.by, clock, cost }),
      buttons: [{ label: say('room.here'), act: (_, here) => here.stay() }],
    });
  }
  if (own.gone) banners.push({ id: 'gone', tone: 'info', text: () => say('room.gone_own') });
  else if (own.bot) banners.push({ id: 'bot', tone: 'urgent', text: () => say('room.bot_own') });
  else if (own.back_at !== undefined) {
    banners.push({
      id: 'brb', isCard: true, tone: 'away', at: own.back_at, text: (clock) => say('room.brb_own', { clock }),
      buttons: [{ label: say('brb.back'), act: (room) => room.brb(0) }],
    });
  } else if (own.skipped) {
    banners.push({ id: `skipped-${own.skipped}`, tone: 'urgent', text: () => say('room.skipped_own', { cost }) });
  }
  return banners;
}

function aboutAbsent(room, absent) {
  return Object.entries(room.info.seats)
    .filter(([seat, each]) => each.absent !== undefined && Number(seat) !== room.seat && absent.has(each.player.id))
    .flatMap(([seat, each]) => aboutAbsence(room, seat, each));
}

function aboutAbsence(room, seat, { player: { name }, absent }) {
  const { left, resigns_at: resigns, claim_at: claim } = absent;
  const isOver = claim !== undefined && claim <= performance.now();
  const waits = room.info.match.waits_for ?? [];
  const mayClaim = isOver && isInMatch(room) && !waits.includes(room.seat);
  if (mayClaim) {
    return [{
      id: `claim-${seat}`, isCard: true, tone: 'urgent',
      text: () => say('room.claim_now', { name }),
      buttons: [
        { label: say('room.claim_win'), act: (there) => there.claim('win') },
        ...(room.info.match.players.length > 2 ? [] : [
          { label: say('room.claim_draw'), isQuiet: true, act: (there) => there.claim('draw') },
        ]),
      ],
    }];
  }
  const id = `absent-${seat}`;
  if (resigns !== undefined) {
    return [{ id, tone: 'info', at: resigns, text: (clock) => say('room.left_resigns', { name, clock }) }];
  }
  if (claim !== undefined && !isOver) {
    const key = left ? 'room.left_claim' : 'room.lost_claim';
    return [{ id, tone: 'info', at: claim, text: (clock) => say(key, { name, clock }) }];
  }
  return [{ id, tone: 'info', text: () => say(left ? 'room.left' : 'room.lost', { name }) }];
}

function aboutPlace({ info, seat, own }) {
  if (playsIn(info, seat)) return [];
  if (own !== null) return [{ id: 'next', tone: 'info', text: () => say('room.next_match') }];
  return [watchingBanner(info)];
}

function watchingBanner(info) {
  const isFree = freeSeats(info) > 0;
  const isNext = isRunning(info);
  const label = say(isNext ? 'room.sit_next' : 'room.sit');
  return {
    id: isNext ? 'watching' : 'sit', tone: 'info',
    text: () => say(isFree && !isNext ? 'room.watching_free' : 'room.watching'),
    buttons: isFree ? [{ label, isQuiet: isNext, act: (_, here) => here.rooms.join(info.id) }] : [],
  };
}

function aboutStart({ info, own }, game, ownId, absent) {
  const { match } = info;
  const people = Object.values(info.seats).filter(({ player }) => player !== undefined);
  const present = people.filter((each) => each.reserved_at === undefined
    && each.status !== 'offline' && !absent.has(each.player.id));
  const banners = [];
  if (match?.outcome) banners.push(outcomeBanner(match, own, ownId, present, game));
  if (own === null) return [...banners, watchingBanner(info)];
  if (match !== undefined || game === undefined) return banners;
  const copy = { label: say('room.invite'), isQuiet: true, act: (_, _here, view) => view.copyLink() };
  const isHost = info.host === own.player.id;
  if (present.length < game.least) {
    const text = () => say(game.most === game.least ? 'room.alone' : 'room.too_few', { count: game.least });
    banners.push({ id: 'alone', isCard: true, tone: 'info', text, buttons: [copy] });
  } else if (isHost) {
    banners.push({
      id: 'start', isCard: true, tone: 'good', at: info.starts_at,
      text: (clock) => [say('room.may_start', { count: present.length }), clock && say('room.starts', { clock })].filter(Boolean).join(' '),
      buttons: [{ label: say('room.start'), act: (there) => there.start() }, copy],
    });
  } else {
    const host = people.find(({ player }) => player.id === info.host)?.player.name ?? '?';
    banners.push({
      id: 'host', isCard: true, tone: 'info', at: info.starts_at,
      text: (clock) => [say('room.host_starts', { name: host }), clock && say('room.starts', { clock })].filter(Boolean).join(' '),
    });
  }
  return banners;
}

function outcomeBanner(match, own, ownId, present, game) {
  const { outcome, players, number } = match;
  // Seats may have changed since.
  const at = players.findIndex(({ id }) => id === ownId);
  const played = at < 0 ? null : at;
  const others = present.filter((each) => each.wants_more && each !== own).map(({ player }) => player.name);
  // Who plays alone needs nobody.
  const isEnough = game === undefined || present.length >= Math.min(game.least, players.length);
  const ofRematch = () => {
    if (own !== null && !isEnough) return [say('room.nobody_left')];
    return [
      others.length > 0 ? say('room.wants', { names: namesOf(others), count: others.length }) : '',
      own?.wants_more ? say('room.wants_own') : '',
    ];
  };
  const text = () => [
    headlineOf(outcome, players, played),
    whyOf(outcome, players, played),
    ...ofRematch(),
  ].filter(Boolean).join(' ');
  const mayStart = own !== null && !own.wants_more && game !== undefined && isEnough;
  return {
    id: `outcome-${number}`, isCard: true, tone: outcome.winners.includes(played) ? 'good' : 'info', text,
    buttons: mayStart ? [{ label: say('room.again'), act: (there) => there.start() }] : [],
  };
}

function aboutEnd({ info, own }) {
  if (info.closes_at === undefined) return [];
  const text = (clock) => say(own === null ? 'room.closes_empty' : 'room.closes', { clock });
  return [{ id: 'closes', tone: 'info', at: info.closes_at, text }];
}
