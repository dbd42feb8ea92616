// The words for ideas that citizens hand in: their states and why one was refused, for both pages,
// and what the citizens' page says about them.

import { addTexts, t } from './texts.js';

addTexts({
  de: {
    ideaOwn: 'Eigene Idee', ideaIntro: 'Was fehlt noch? Ihre Idee wird im Rathaus geprüft, bevor man darüber abstimmen kann. Bitte nennen Sie keine Namen oder Adressen von Personen.',
    ideaFor: 'Zu: {titles}', ideaPollsOver: 'Die Abstimmungen hierzu sind beendet. Eine neue Idee kann erst in einer künftigen Abstimmung zur Wahl stehen.',
    ideaTitle: 'Ihre Idee in einem Satz', ideaText: 'Beschreibung (freiwillig)', ideaLeft: { one: 'Noch {n} Zeichen.', other: 'Noch {n} Zeichen.' }, ideaSubmit: 'Idee einreichen', ideaTitleMissing: 'Bitte schreiben Sie Ihre Idee in einem Satz auf.',
    ideaSending: 'Ihre Idee wird gesendet …', ideaOffline: 'Keine Verbindung. Ihre Idee ist auf diesem Gerät gemerkt und wird von selbst gesendet; sie kommt nur einmal an.', ideaOverloaded: 'Gerade ist viel los. Ihre Idee wird in {seconds} s von selbst wieder gesendet; sie kommt nur einmal an.', ideaOtherWaits: 'Eine andere Idee von diesem Gerät wird gerade noch gesendet. Bitte versuchen Sie es gleich noch einmal; Ihr Text bleibt stehen.', ideaNotSent: 'Nicht gesendet. Ihr Text steht wieder im Formular.',
    ideaSubmitted: 'Ihre Idee ist eingereicht. Was aus ihr wird, sehen Sie hier.', ideaTooMany: 'Es warten zu viele Ideen auf die Prüfung: entweder 10 von Ihnen oder sehr viele von allen. Bitte versuchen Sie es später noch einmal; Ihr Text bleibt stehen.', ideaNoProject: 'Hier werden keine Ideen gesammelt.', ideaTooLong: 'Der Text ist zu lang. Bitte kürzen Sie ihn.', ideaNeedsToken: 'Zum Einreichen brauchen Sie einen Zugang. Öffnen Sie bitte den Link, den Sie erhalten haben; Ihr Text bleibt stehen.', ideaNotEntitled: 'Mit diesem Zugang dürfen Sie hier nichts einreichen.',
    ideasOwn: 'Meine Ideen', ideasNone: 'Auf diesem Gerät haben Sie noch keine Idee eingereicht.', ideasLook: 'Stand neu abfragen', ideasLooked: 'Der Stand ist neu abgefragt.', ideasElsewhere: { one: '{n} Idee wurde von diesem Gerät mit einem anderen Zugang eingereicht.', other: '{n} Ideen wurden von diesem Gerät mit einem anderen Zugang eingereicht.' }, ideasUnread: 'Der Stand Ihrer Ideen ist gerade nicht zu lesen.', ideaHandedIn: 'Eingereicht: {time}', ideaDecided: 'Entschieden: {time}', ideaReason: 'Grund: {reason}',
    idea_pending: 'wird geprüft', idea_approved: 'angenommen', idea_rejected: 'abgelehnt', idea_merged: 'zusammengelegt',
    ideaNow_pending: 'Ihre Idee wartet auf die Prüfung.', ideaNow_approved: 'Ihre Idee ist angenommen und steht zur Wahl.', ideaNow_rejected: 'Ihre Idee ist abgelehnt.', ideaNow_merged: 'Ihre Idee ist zusammengelegt mit „{title}“; das steht zur Wahl.', ideaWithdrawn: 'Der Vorschlag wurde später zurückgezogen.', ideaMovedOn: 'Der Vorschlag wurde später mit „{title}“ zusammengelegt.', ideaPollHidden: 'Die Abstimmung dazu ist noch nicht öffentlich.',
    reason_duplicate: 'gibt es schon', reason_not_in_town: 'liegt nicht in der Stadt', reason_not_responsible: 'dafür ist die Stadt nicht zuständig', reason_not_feasible: 'ist nicht umsetzbar', reason_too_expensive: 'ist zu teuer', reason_unclear: 'ist nicht verständlich', reason_offensive: 'verletzt andere', reason_private_data: 'enthält persönliche Angaben',
  },
  en: {
    ideaOwn: 'Your own idea', ideaIntro: 'What is missing? Your idea is looked at in the town hall before people can vote on it. Please give no names or addresses of people.',
    ideaFor: 'About: {titles}', ideaPollsOver: 'The polls on this have ended. A new idea can only be voted on in a poll to come.',
    ideaTitle: 'Your idea in one sentence', ideaText: 'Description (if you like)', ideaLeft: { one: '{n} character left.', other: '{n} characters left.' }, ideaSubmit: 'Hand in the idea', ideaTitleMissing: 'Please write your idea down in one sentence.',
    ideaSending: 'Sending your idea …', ideaOffline: 'No connection. Your idea is kept on this device and is sent by itself; it arrives only once.', ideaOverloaded: 'It is busy at the moment. Your idea is sent again by itself in {seconds} s; it arrives only once.', ideaOtherWaits: 'Another idea from this device is still being sent. Please try again in a moment; your text stays.', ideaNotSent: 'Not sent. Your text is back in the form.',
    ideaSubmitted: 'Your idea is handed in. What becomes of it is shown here.', ideaTooMany: 'Too many ideas are waiting to be looked at: either 10 of yours or very many of everybody. Please try again later; your text stays.', ideaNoProject: 'No ideas are collected here.', ideaTooLong: 'The text is too long. Please shorten it.', ideaNeedsToken: 'You need access to hand in an idea. Please open the link you were given; your text stays.', ideaNotEntitled: 'You may not hand in anything here with this access.',
    ideasOwn: 'My ideas', ideasNone: 'You have handed in no idea on this device yet.', ideasLook: 'Look again', ideasLooked: 'Looked again.', ideasElsewhere: { one: '{n} idea was handed in from this device with another access.', other: '{n} ideas were handed in from this device with another access.' }, ideasUnread: 'What became of your ideas cannot be read at the moment.', ideaHandedIn: 'Handed in: {time}', ideaDecided: 'Decided: {time}', ideaReason: 'Reason: {reason}',
    idea_pending: 'being looked at', idea_approved: 'accepted', idea_rejected: 'rejected', idea_merged: 'put together',
    ideaNow_pending: 'Your idea is waiting to be looked at.', ideaNow_approved: 'Your idea is accepted and can be voted on.', ideaNow_rejected: 'Your idea is rejected.', ideaNow_merged: 'Your idea is put together with “{title}”, which can be voted on.', ideaWithdrawn: 'It was taken off the list later.', ideaMovedOn: 'It was put together with “{title}” later.', ideaPollHidden: 'Its poll is not public yet.',
    reason_duplicate: 'is there already', reason_not_in_town: 'is not in this town', reason_not_responsible: 'is not up to the town', reason_not_feasible: 'cannot be done', reason_too_expensive: 'costs too much', reason_unclear: 'cannot be understood', reason_offensive: 'hurts others', reason_private_data: 'has personal data in it',
  },
});

// The codes the town hall offers; a city may type others, which are shown as they are.
export const REASON_CODES = ['duplicate', 'not_in_town', 'not_responsible', 'not_feasible', 'too_expensive', 'unclear', 'offensive', 'private_data'];
export const reasonWords = (code) => (REASON_CODES.includes(code) ? t(`reason_${code}`) : code);
