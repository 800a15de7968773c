// The texts of finished matches in English.

export default {
  'matches.title': 'Your matches',
  'matches.empty': 'You have not finished a match yet.',
  'matches.more': 'Earlier matches',
  'matches.with': 'with {names}',

  'ended.forfeit': 'somebody ran out of time',
  'ended.resigned': 'somebody left',
  'ended.claimed': 'somebody did not come back',
  'ended.abandoned': 'nobody was left',
  'ended.failed': 'the game broke down',
};
