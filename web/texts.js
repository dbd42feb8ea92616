// Every word the citizens' page says, in German and English; numbers and times by Intl. Pages with
// more to say add their words (addTexts).

const TEXTS = {
  de: {
    polls: 'Abstimmungen', noPolls: 'Zurzeit gibt es keine Abstimmung.', more: 'Weitere zeigen',
    allPolls: 'Alle Abstimmungen', language: 'English', checkReceipt: 'Meine Quittung prüfen',
    receipt: 'Quittung', check: 'Prüfen', vote: 'Abstimmen', change: 'Stimme ändern',
    withdraw: 'Stimme zurückziehen', withdrawSure: 'Wirklich zurückziehen', keep: 'Behalten',
    withdrawn: 'Ihre Stimme ist zurückgezogen. Sie können neu abstimmen.',
    counted: 'Ihre Stimme ist gezählt.', replaced: 'Ihre Stimme ist geändert.',
    duplicate: 'Genau diese Stimme war schon gezählt. Sie zählt einmal.',
    alreadyVoted: 'Sie haben schon abgestimmt. In dieser Abstimmung gilt die erste Stimme.',
    youVoted: 'Sie haben abgestimmt.', keepReceipt: 'Heben Sie die Quittung auf. Damit kann jeder prüfen, dass die Stimme zählt, aber niemand sehen, wofür.',
    state_open: 'offen', state_paused: 'angehalten', state_closed: 'beendet', state_final: 'Ergebnis steht fest', state_draft: 'Entwurf',
    notYet: 'Die Abstimmung beginnt am {time}.', paused: 'Die Abstimmung ist gerade angehalten. Bitte kommen Sie später wieder.',
    closed: 'Die Abstimmung ist beendet.', openUntil: 'Abstimmen können Sie bis {time}.',
    paperOnly: 'Hier wird nur auf Papier abgestimmt.', notHere: 'Diese Abstimmung ist auf dieser Seite nicht möglich.',
    whichBallot: 'Ihre Stimmzettel', ballotOf: 'Stimmzettel {at} von {most}', ballotBefore: 'Voriger Stimmzettel', ballotNext: 'Nächster Stimmzettel', oneADay: 'Sie können an jedem Tag einmal abstimmen.', eachDay: 'an jedem Tag neu', dayOver: 'Dieser Tag ist vorbei. Bitte laden Sie die Seite neu.',
    sending: 'Ihre Stimme wird gesendet …', offline: 'Keine Verbindung. Ihre Stimme ist auf diesem Gerät gemerkt und wird von selbst gesendet; sie zählt nur einmal.',
    overloaded: 'Gerade stimmen sehr viele ab. Ihre Stimme wird in {seconds} s von selbst wieder gesendet; sie zählt nur einmal.',
    sendNow: 'Jetzt senden', forget: 'Nicht senden', needsToken: 'Zum Abstimmen brauchen Sie einen Zugang. Öffnen Sie bitte den Link, den Sie erhalten haben.',
    notEntitled: 'Mit diesem Zugang dürfen Sie hier nicht abstimmen.', failed: 'Das hat nicht geklappt: {detail}', unreachable: 'Der Server antwortet nicht. Bitte versuchen Sie es später noch einmal.', again: 'Noch einmal versuchen', notFound: 'Diese Abstimmung gibt es nicht.',
    search: 'Vorschläge suchen', found: { one: '{n} Vorschlag', other: '{n} Vorschläge' },
    chooseOne: 'Wählen Sie einen Vorschlag.', chooseUpTo: 'Wählen Sie bis zu {max}. Gewählt: {n}.', chooseBetween: 'Wählen Sie {min} bis {max}. Gewählt: {n}.',
    tooMany: 'Bitte wählen Sie höchstens {max}.', tooFew: 'Bitte wählen Sie mindestens {min}.',
    pointsLeft: 'Noch {n} von {total} Punkten.', pointsPer: 'Höchstens {max} je Vorschlag.', tooManyPoints: 'Punkte zu viel: {n}.', tooManyPer: 'Höchstens {max} Punkte je Vorschlag, ganze Zahlen ab 0.', noPoints: 'Bitte vergeben Sie mindestens einen Punkt.',
    points: 'Punkte für {title}', yourOrder: 'Ihre Reihenfolge', rankUpTo: 'Ordnen Sie bis zu {max} Vorschläge, den liebsten zuerst.', emptyOrder: 'Noch nichts gewählt.', add: 'Hinzufügen', addNamed: '{title} hinzufügen',
    up: '{title} nach oben', down: '{title} nach unten', remove: '{title} entfernen', moved: '{title} ist jetzt Platz {n}.', removed: '{title} ist entfernt.', noRank: 'Bitte ordnen Sie mindestens einen Vorschlag.',
    for: 'dafür', neutral: 'egal', against: 'dagegen', noUpdown: 'Bitte stimmen Sie mindestens einmal dafür oder dagegen.', offered: 'Vorschläge',
    ranking: 'Rangliste', curveSeen: 'Verlauf, seit Sie diese Seite geöffnet haben', pause: 'Anhalten', live: 'Live zeigen', ballots: { one: '{n} Stimmzettel', other: '{n} Stimmzettel' }, split: 'online {online}, Papier {paper}', notCounted: 'nicht gezählt: {what}', held: { other: '{n} zur Prüfung zurückgestellt' }, takenOut: { other: '{n} herausgenommen' },
    asOf: 'Stand {time}', suppressed: 'zu wenige, um sie zu zeigen', leads: 'Vorn liegt: {title}.', place: 'Platz {n}', built: 'wird gebaut', wouldBeBuilt: 'würde zurzeit gebaut', belowCut: { one: '{n} unter der Linie', other: '{n} unter der Linie' }, asTable: 'Als Tabelle', voteHere: 'Abstimmen und alle Vorschläge sehen', moreLeft: { one: 'und {n} weiterer', other: 'und {n} weitere' }, noRanking: 'Die Rangliste ist gerade nicht zu erreichen; es wird weiter versucht.', legend: 'Balken: online (erste Farbe), Papier (zweite Farbe).',
    ideasLink: 'Eigene Idee einreichen und meine Ideen sehen',
    receipt_counted: 'Diese Stimme zählt.', receipt_superseded: 'Diese Stimme wurde durch eine spätere ersetzt.', receipt_withdrawn: 'Diese Stimme wurde zurückgezogen.', receipt_voided: 'Diese Stimme wurde für ungültig erklärt.', receiptUnknown: 'Diese Quittung gibt es nicht. Bitte prüfen Sie die Zeichen.', receiptEpoch: 'Diese Quittung stammt aus der Zeit vor einer Wiederherstellung. Bitte fragen Sie im Rathaus nach.', inPoll: 'Abstimmung: {title}',
    searchRanking: 'In der Rangliste suchen', reasonMoney: 'dafür reicht das Geld nicht', reasonEnd: 'die Auswahl war vorher zu Ende', reasonThreshold: 'unter der Mindestwertung', reasonWithdrawn: 'zurückgezogen',
    sealedClosed: 'Wie die Vorschläge stehen, wird erst gezeigt, wenn die Abstimmung beendet ist.', sealedFinal: 'Wie die Vorschläge stehen, wird erst gezeigt, wenn das Ergebnis feststeht.', unsealed: 'Die Rangliste ist jetzt zu sehen.', coarse: 'Die Zahlen ändern sich in Schritten von mindestens {k} Stimmzetteln; das genaue Ergebnis wird gezeigt, wenn es feststeht.',
  },
  en: {
    polls: 'Polls', noPolls: 'There is no poll at the moment.', more: 'Show more',
    allPolls: 'All polls', language: 'Deutsch', checkReceipt: 'Check my receipt',
    receipt: 'Receipt', check: 'Check', vote: 'Vote', change: 'Change my vote',
    withdraw: 'Withdraw my vote', withdrawSure: 'Really withdraw', keep: 'Keep it',
    withdrawn: 'Your vote is withdrawn. You can vote again.',
    counted: 'Your vote is counted.', replaced: 'Your vote is changed.',
    duplicate: 'Exactly this vote was counted before. It counts once.',
    alreadyVoted: 'You have voted already. In this poll the first vote counts.',
    youVoted: 'You have voted.', keepReceipt: 'Keep the receipt. With it anyone can check that the vote counts, and nobody can see for what.',
    state_open: 'open', state_paused: 'paused', state_closed: 'ended', state_final: 'result is final', state_draft: 'draft',
    notYet: 'The poll begins on {time}.', paused: 'The poll is paused. Please come back later.',
    closed: 'The poll has ended.', openUntil: 'You can vote until {time}.',
    paperOnly: 'This poll takes votes on paper only.', notHere: 'This poll cannot be voted in on this page.',
    whichBallot: 'Your ballots', ballotOf: 'Ballot {at} of {most}', ballotBefore: 'Ballot before', ballotNext: 'Next ballot', oneADay: 'You can vote once each day.', eachDay: 'anew each day', dayOver: 'That day is over. Please load the page again.',
    sending: 'Sending your vote …', offline: 'No connection. Your vote is kept on this device and is sent by itself; it counts only once.',
    overloaded: 'Very many people are voting. Your vote is sent again by itself in {seconds} s; it counts only once.',
    sendNow: 'Send now', forget: 'Do not send', needsToken: 'You need access to vote. Please open the link you were given.',
    notEntitled: 'You may not vote here with this access.', failed: 'That did not work: {detail}', unreachable: 'The server does not answer. Please try again later.', again: 'Try again', notFound: 'There is no such poll.',
    search: 'Search ideas', found: { one: '{n} idea', other: '{n} ideas' },
    chooseOne: 'Choose one idea.', chooseUpTo: 'Choose up to {max}. Chosen: {n}.', chooseBetween: 'Choose {min} to {max}. Chosen: {n}.',
    tooMany: 'Please choose at most {max}.', tooFew: 'Please choose at least {min}.',
    pointsLeft: '{n} of {total} points left.', pointsPer: 'At most {max} for an idea.', tooManyPoints: 'Points too many: {n}.', tooManyPer: 'At most {max} points for an idea, whole numbers from 0.', noPoints: 'Please give at least one point.',
    points: 'Points for {title}', yourOrder: 'Your order', rankUpTo: 'Put up to {max} ideas in order, the best first.', emptyOrder: 'Nothing chosen yet.', add: 'Add', addNamed: 'Add {title}',
    up: 'Move {title} up', down: 'Move {title} down', remove: 'Remove {title}', moved: '{title} is now number {n}.', removed: '{title} is removed.', noRank: 'Please put at least one idea in order.',
    for: 'for', neutral: 'neutral', against: 'against', noUpdown: 'Please vote for or against at least once.', offered: 'Ideas',
    ranking: 'Ranking', curveSeen: 'Curve since you opened this page', pause: 'Pause', live: 'Show live', ballots: { one: '{n} ballot', other: '{n} ballots' }, split: 'online {online}, paper {paper}', notCounted: 'not counted: {what}', held: { other: '{n} held for review' }, takenOut: { other: '{n} taken out' },
    asOf: 'As of {time}', suppressed: 'too few to show', leads: 'In the lead: {title}.', place: 'Rank {n}', built: 'gets built', wouldBeBuilt: 'would be built as it stands', belowCut: { one: '{n} below the line', other: '{n} below the line' }, asTable: 'As a table', voteHere: 'Vote and see all ideas', moreLeft: { one: 'and {n} more', other: 'and {n} more' }, noRanking: 'The ranking cannot be reached; still trying.', legend: 'Bars: online (first colour), paper (second colour).',
    ideasLink: 'Hand in an idea of your own and see my ideas',
    receipt_counted: 'This vote counts.', receipt_superseded: 'This vote was replaced by a later one.', receipt_withdrawn: 'This vote was withdrawn.', receipt_voided: 'This vote was declared void.', receiptUnknown: 'There is no such receipt. Please check the characters.', receiptEpoch: 'This receipt is from before a restore. Please ask at the town hall.', inPoll: 'Poll: {title}',
    searchRanking: 'Search the ranking', reasonMoney: 'the money does not suffice', reasonEnd: 'the selection had ended before', reasonThreshold: 'below the least score', reasonWithdrawn: 'withdrawn',
    sealedClosed: 'How the ideas stand is shown only once the poll has ended.', sealedFinal: 'How the ideas stand is shown only once the result is final.', unsealed: 'The ranking is shown now.', coarse: 'The figures change in steps of at least {k} ballots; the exact result is shown once it is final.',
  },
};

const stored = () => { try { return localStorage.getItem('tallyd.language'); } catch { return null; } };
let language = stored() ?? (navigator.language.startsWith('de') ? 'de' : 'en');

// {de: {key: text}, en: {...}}: before the first t() that needs them.
export function addTexts(more) {
  for (const [name, texts] of Object.entries(more)) Object.assign(TEXTS[name], texts);
}

export const currentLanguage = () => language;
// For this page only; another language than these two changes nothing.
export function useLanguage(next) {
  if (next in TEXTS) language = next;
}
export function setLanguage(next) {
  language = next;
  try { localStorage.setItem('tallyd.language', next); } catch { /* a private window: for this visit */ }
}

const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);

export function t(key, values = {}) {
  const text = TEXTS[language][key];
  if (text === undefined) throw new Error(`no text for ${key}`);
  if (typeof text === 'string') return fill(text, values);
  const form = new Intl.PluralRules(language).select(values.n);
  return fill(text[form] ?? text.other, { ...values, n: number(values.n) });
}

export const number = (value) => new Intl.NumberFormat(language).format(value);
export const percent = (value) => new Intl.NumberFormat(language, { style: 'percent' }).format(value);
export const money = (value) => new Intl.NumberFormat(language, { maximumFractionDigits: 0 }).format(value);
export const time = (text) => new Intl.DateTimeFormat(language, { dateStyle: 'long', timeStyle: 'short' }).format(new Date(text));
export const clock = (text) => new Intl.DateTimeFormat(language, { timeStyle: 'medium' }).format(new Date(text));

// A title is one text or one per language.
export function titleOf(thing) {
  const title = thing.title;
  if (typeof title === 'string') return title;
  return title?.[language] ?? Object.values(title ?? {})[0] ?? thing.id;
}

export const dictionaries = TEXTS;
