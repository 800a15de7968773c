// The texts of finished matches in Chinese (simplified).

export default {
  'matches.title': '你的对局',
  'matches.empty': '你还没有完成过对局。',
  'matches.more': '更早的对局',
  'matches.with': '与 {names}',

  'ended.forfeit': '有人超时',
  'ended.resigned': '有人离开',
  'ended.claimed': '有人没有回来',
  'ended.abandoned': '所有人都离开了',
  'ended.failed': '游戏出了故障',
};
