// The words of the curve, for both pages; they come with it.

import { addTexts } from './texts.js';

addTexts({
  de: {
    curveAll: 'Verlauf', curveTable: 'Verlauf als Tabelle', curveAt: 'Bis', curveAsOf: 'Stand', curveBallots: 'Stimmzettel', curveLeading: 'Verlauf der vorderen {n} von {all}', curveSays: 'Verlauf von {from} bis {to}. Am Ende: {leaders}.', curveNone: 'Es ist noch nichts gezählt.',
    curveSince: 'Was diese Seite gesehen hat, seit Sie sie geöffnet haben: ab {time}. Was vorher war, zeigt sie nicht.', curveNoFigures: 'Noch ist keine Zahl zu zeigen.',
    curveLost: 'nicht gesehen von {from} bis {to}', curveGaps: 'Grau: In dieser Zeit hat die Seite nichts gesehen, zum Beispiel ohne Verbindung.', curveDash: 'Wo eine Linie fehlt und in der Tabelle ein Strich steht, wurde die Zahl nicht gezeigt oder der Vorschlag lag zu weit hinten.',
  },
  en: {
    curveAll: 'Curve', curveTable: 'Curve as a table', curveAt: 'Until', curveAsOf: 'As of', curveBallots: 'Ballots', curveLeading: 'Curve of the leading {n} of {all}', curveSays: 'Curve from {from} to {to}. At the end: {leaders}.', curveNone: 'Nothing is counted yet.',
    curveSince: 'What this page has seen since you opened it: from {time} on. It does not show what was before.', curveNoFigures: 'There is no figure to show yet.',
    curveLost: 'not seen from {from} to {to}', curveGaps: 'Grey: at that time the page saw nothing, for example without a connection.', curveDash: 'Where a line is missing and the table has a dash, the figure was not shown or the idea was too far behind.',
  },
});
