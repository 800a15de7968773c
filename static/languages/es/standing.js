// The texts of finished matches in Spanish.

export default {
  'matches.title': 'Tus partidas',
  'matches.empty': 'Todavía no has terminado ninguna partida.',
  'matches.more': 'Partidas anteriores',
  'matches.with': 'con {names}',

  'ended.forfeit': 'a alguien se le acabó el tiempo',
  'ended.resigned': 'alguien se fue',
  'ended.claimed': 'alguien no volvió',
  'ended.abandoned': 'no quedó nadie',
  'ended.failed': 'el juego falló',
};
