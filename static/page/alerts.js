// Sound and notification for a player whose page is hidden. Both can be switched off.

import { byId, onPress, write } from '/static/page/elements.js';
import { onLanguage, say } from '/static/page/language.js';
import { recall, remember } from '/static/page/storage.js';

const SOUND = 'stillhere.sound';
const NOTIFY = 'stillhere.notify';
const TAG = 'stillhere-warning'; // one notification for all tabs
const CHIME = [[659.3, 0], [880, 0.18]]; // Hz, start in seconds

export class Alerts {
  #sound = byId('sound');
  #notify = byId('notify');
  #audio = null;
  #notification = null;

  constructor() {
    this.#sound.checked = recall(SOUND) !== 'off';
    this.#notify.checked = recall(NOTIFY) === 'on' && permission() === 'granted';
    this.#sound.addEventListener('change', () => remember(SOUND, this.#sound.checked ? '' : 'off'));
    this.#notify.addEventListener('change', () => this.#chooseNotify());
    onPress(byId('try-sound'), () => this.#chime());
    window.addEventListener('pointerdown', () => this.#prepare(), { once: true, capture: true });
    window.addEventListener('keydown', () => this.#prepare(), { once: true, capture: true });
    onLanguage(() => this.#draw());
    this.#draw();
  }

  /** Alerts the player, unless the page is visible. */
  raise(title, text) {
    if (document.visibilityState === 'visible') return;
    // Browsers allow sound only after a user gesture, and log a warning otherwise.
    if (this.#sound.checked && (navigator.userActivation?.hasBeenActive ?? true)) this.#chime();
    if (this.#notify.checked && permission() === 'granted') this.#show(title, text);
  }

  /** Closes the notification. */
  lower() {
    this.#notification?.close();
    this.#notification = null;
  }

  #show(title, text) {
    this.lower();
    try {
      this.#notification = new Notification(title, {
        body: text, tag: TAG, icon: '/static/favicon.svg', requireInteraction: true,
      });
    } catch {
      return; // some phones allow notifications for installed pages only
    }
    this.#notification.onclick = () => {
      window.focus();
      this.lower();
    };
  }

  async #chooseNotify() {
    if (this.#notify.checked && permission() !== 'granted') {
      const answer = permission() === 'default' ? await Notification.requestPermission() : 'denied';
      this.#notify.checked = answer === 'granted';
    }
    remember(NOTIFY, this.#notify.checked ? 'on' : '');
    this.#draw();
  }

  #draw() {
    const said = permission();
    this.#notify.disabled = said === 'impossible' || said === 'denied';
    write(byId('notify-text'), say({
      denied: 'settings.notify_denied', impossible: 'settings.notify_impossible',
    }[said] ?? 'settings.notify_text'));
  }

  #prepare() {
    if (this.#sound.checked) this.#audio ??= newAudio();
  }

  #chime() {
    this.#audio ??= newAudio();
    const audio = this.#audio;
    if (audio === null) return;
    audio.resume?.();
    for (const [pitch, delay] of CHIME) {
      const at = audio.currentTime + delay;
      const tone = new OscillatorNode(audio, { frequency: pitch, type: 'sine' });
      const volume = new GainNode(audio, { gain: 0 });
      volume.gain.setTargetAtTime(0.12, at, 0.01);
      volume.gain.setTargetAtTime(0, at + 0.12, 0.12);
      tone.connect(volume).connect(audio.destination);
      tone.start(at);
      tone.stop(at + 1);
    }
  }
}

function permission() {
  return 'Notification' in window ? Notification.permission : 'impossible';
}

function newAudio() {
  try {
    return new AudioContext();
  } catch {
    return null;
  }
}
