// The live ranking of a poll in a city's own site:
//
//   <script type="module" src="https://votes.example/widget.js"></script>
//   <tally-ranking poll="sommer-2026" top="5" lang="de">
//     <a href="https://votes.example/#/poll/sommer-2026">The ranking</a>
//   </tally-ranking>
//
// What stands between the tags is shown until the ranking is there, and if it never comes. Draws into
// a shadow, so that neither style sheet touches the other's page; keeps nothing in the browser, takes
// no vote, asks no other server than the one it came from. The site's origin must be among that
// server's cors_origins.

import { getPoll, getRanking, useServer } from '@ASSETS@/service.js';
import { currentLanguage, t, titleOf, useLanguage } from '@ASSETS@/texts.js';
import { make } from '@ASSETS@/page.js';
import { TallyRanking } from '@ASSETS@/ranking.js';

const RETRY_MS = 10000;
const { origin } = new URL(import.meta.url);
useServer(origin);
useLanguage((document.querySelector('tally-ranking[lang]') ?? document.documentElement).lang.slice(0, 2));

const style = fetch(`${origin}@ASSETS@/pages.css`).then((answer) => answer.text())
  .then((text) => { const sheet = new CSSStyleSheet(); sheet.replaceSync(text); return sheet; });

class TallyRankingWidget extends TallyRanking {
  connectedCallback() {
    this.there = true;
    if (this.feed) return;
    if (!this.root) {
      this.root = this.attachShadow({ mode: 'open' });
      this.root.append(make('slot'));
    }
    this.load();
  }

  disconnectedCallback() {
    this.there = false;
    clearTimeout(this.retry);
    super.disconnectedCallback();
  }

  async load() {
    const id = this.getAttribute('poll') ?? '';
    try {
      const [sheet, poll] = await Promise.all([style, getPoll(id)]);
      const first = await getRanking(id, Boolean(poll.selection));
      if (!this.there || this.feed) return;
      const top = Number(this.getAttribute('top'));
      const options = poll.options.length;
      const rest = top > 0 && options > top ? `${t('moreLeft', { n: options - top })}. ` : '';
      Object.assign(this, {
        definition: poll, first, heading: titleOf(poll), limit: top > 0 ? top : Infinity,
        links: [rest, make('a', { href: `${origin}/#/poll/${encodeURIComponent(id)}`, target: '_top' }, t('voteHere'))],
      });
      this.root.adoptedStyleSheets = [sheet];
      this.root.replaceChildren();
      this.lang = currentLanguage();
      super.connectedCallback();
    } catch (problem) {
      // The content between the tags stays; a poll that does not exist is not asked for again.
      if (this.there && problem?.status !== 404) this.retry = setTimeout(() => this.load(), RETRY_MS);
    }
  }
}

customElements.define('tally-ranking', TallyRankingWidget);
