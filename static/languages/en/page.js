// The texts of the frame of the page, the warning and refusals in English.
//
// Of each language the files are joined into one. A text with numbers has a form per plural category of the language
// (Intl.PluralRules), chosen by `count`. `tests/static/test_languages.py` keeps the three the same.

export default {
  'page.description': 'A lobby that knows who is really there.',
  'page.language': 'Language',
  'page.skip': 'Skip to the content',

  'loading.looking': 'Looking for your session…',
  'loading.unreachable': 'The server cannot be reached. Trying again…',
  'loading.now': 'Try now',

  'connection.connecting': 'Connecting…',
  'connection.open': 'Connected',
  'connection.reconnecting': 'Reconnecting…',
  'connection.closed': '',
  'connection.no_network': 'No network. Reconnecting…',

  'nav.title': 'Sections',
  'nav.lobby': 'Lobby',
  'nav.devices': 'Devices',
  'nav.history': 'History',
  'nav.settings': 'Settings',
  'nav.play': 'Play',

  'warning.title': 'Are you still there?',
  'warning.text': 'If nobody answers, you will be signed out. Tap anywhere or press any key to stay.',
  'warning.stay': 'I’m still here',
  'warning.document': '{clock} – Still there?',
  'warning.notification': 'You will be signed out in {duration}. Come back to the page to stay.',
  'warning.left': '{duration} left.',
  'warning.ends_title': 'Your session ends soon',
  'warning.ends_text': 'It has lasted as long as a session can, and cannot be extended. Sign in again to go on.',
  'warning.ends_ok': 'OK',
  'warning.ends_document': '{clock} – Session ends',
  'warning.ends_notification': 'Your session ends in {duration}, whatever you do. Sign in again to go on.',

  'problem.unreachable': 'The server cannot be reached. Check your connection and try again.',
  'problem.other': 'That did not work. Try again in a moment.',
  'problem.wait': 'Try again in {duration}.',
  'problem.name_taken': '“{name}” is taken, or looks too much like a name that is.',
  'problem.bad_credentials': 'There is no player with this name and password.',
  'problem.wrong_password': 'That is not your current password.',
  'problem.too_many_attempts': 'Too many attempts from here.',
  'problem.too_busy': 'Too many players are signing in just now.',
  'problem.storage_unavailable': 'The server cannot save anything at the moment.',
  'problem.too_large': 'That is too long.',
  'problem.cross_origin': 'Your browser says that this page comes from somewhere else. Open it by its own address.',

  'rule.name_empty': 'A name needs at least one character.',
  'rule.name_too_long': 'A name has at most {limit} characters; this one has {length}.',
  'rule.name_character': 'A name cannot contain the character {character}.',
  'rule.name_emoji': 'A name cannot contain the emoji “{character}”. Emoji of a single character, such as 😀, can be in it.',
  'rule.name_marks': 'A letter can carry at most {limit} marks.',
  'rule.name_invisible': 'A name needs at least one visible character.',
  'rule.password_empty': 'Type your password.',
  'rule.password_too_short': 'A password needs at least {limit} characters.',
  'rule.password_too_long': 'A password has at most {limit} characters.',
  'rule.password_is_name': 'The password must not be the name.',
  'rule.password_is_server': 'The password must not be the name of this server.',
  'rule.password_common': 'That password is among the first that guessers try.',
};
