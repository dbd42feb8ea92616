// Every state that a page about ideas, options or audit logs can be in, for quality_test.mjs: each is
// brought about and given to check(page, name).

const REFUSED = (status, code, headers = {}) => (route) => route.fulfill({ status, headers: { 'Content-Type': 'application/problem+json', ...headers }, body: JSON.stringify({ code, status }) });

// Handing ideas in. Leaves four that wait.
export async function ideaStates(page, server, check, project) {
  await page.goto(`${server.url}/#/ideas/${project}`);
  await page.getByText('You have handed in no idea').waitFor();
  await check(page, 'no idea yet');
  const submit = () => page.getByRole('button', { name: 'Hand in the idea' }).click();
  await submit();
  await page.getByText('Please write your idea down').first().waitFor();
  await check(page, 'no title');
  const refusals = [['No connection.', (route) => route.abort()], ['sent again by itself', REFUSED(503, 'overloaded', { 'Retry-After': '60' })]];
  for (const [text, answer] of refusals) {
    await page.route('**/ideas', answer);
    await page.fill('#idea-title', 'Benches');
    await submit();
    await page.locator('.note', { hasText: text }).waitFor();
    await check(page, `idea: ${text}`);
    await page.getByRole('button', { name: 'Do not send' }).click();
    await page.unroute('**/ideas');
  }
  await page.route('**/ideas', REFUSED(409, 'limit_reached'));
  await submit();
  await page.locator('.note', { hasText: 'Too many ideas' }).waitFor();
  await check(page, 'idea refused');
  await page.unroute('**/ideas');
  for (const title of ['Benches', 'Fountain', 'Moon', 'Again']) {
    await page.fill('#idea-title', title);
    await page.fill('#idea-text', 'One line.\nAnother.');
    await submit();
    await page.locator('#own-ideas li', { hasText: title }).waitFor();
  }
  await check(page, 'ideas handed in');
}

export async function moderationStates(page, server, check, project) {
  await page.goto(`${server.adminUrl}/#/ideas/approved/${project}`);
  await page.getByText('No idea is accepted.').waitFor();
  await check(page, 'no idea accepted');
  await page.getByRole('link', { name: 'To look at' }).click();
  await page.locator('#ideas li').nth(3).waitFor();
  await check(page, 'queue');
  const decide = async () => {
    await page.getByRole('button', { name: 'Decide', exact: true }).click();
    await page.getByRole('button', { name: 'Yes, decide so' }).click();
  };
  await page.getByRole('link', { name: 'Benches' }).click();
  await page.fill('#actor', 'm.muster');
  await page.getByRole('button', { name: 'Decide', exact: true }).click();
  await check(page, 'nothing chosen');
  await page.getByLabel('Reject', { exact: true }).check();
  await page.selectOption('#reject-reason', '*');
  await check(page, 'rejecting');
  await page.getByLabel('Put together').check();
  await page.locator('input[name=merge-target]').first().waitFor();
  await check(page, 'merging');
  await page.getByLabel('Accept: becomes').check();
  await check(page, 'accepting');
  await page.getByRole('button', { name: 'Decide', exact: true }).click();
  await check(page, 'asked back for a decision');
  await page.route('**/decision', (route) => route.abort());
  await page.getByRole('button', { name: 'Yes, decide so' }).click();
  await page.getByText('The server cannot be reached.').first().waitFor();
  await check(page, 'decision without a server');
  await page.unroute('**/decision');
  await page.getByRole('button', { name: 'Send now' }).click();
  await page.getByText('Accepted: Benches').first().waitFor();
  await check(page, 'decided');
  await page.getByRole('link', { name: 'Moon' }).click();
  await page.getByLabel('Reject', { exact: true }).check();
  await page.selectOption('#reject-reason', 'not_in_town');
  await page.route('**/decision', async (route) => { await route.fetch({ headers: { ...route.request().headers(), 'tallyd-actor': 'b.zwei' } }); await route.continue(); });
  await decide();
  await page.getByText('Meanwhile b.zwei has decided').first().waitFor();
  await check(page, 'decided by somebody else');
  await page.unroute('**/decision');
  await page.goto(`${server.adminUrl}/#/ideas/pending/${project}`);
  await page.getByRole('link', { name: 'Again' }).click();
  await page.getByLabel('Put together').check();
  await page.locator('input[name=merge-target]').first().check();
  await decide();
  await page.getByText('Put together: Again').first().waitFor();
  await page.goto(`${server.adminUrl}/#/idea/idea-99999`);
  await page.getByText('There is no such idea.').first().waitFor();
  await check(page, 'no such idea');
  await page.goto(`${server.url}/#/ideas/${project}`);
  await page.locator('#own-ideas [data-state=merged]').waitFor();
  await check(page, 'ideas decided');
}

export async function optionStates(page, server, check, poll) {
  await page.goto(`${server.adminUrl}/#/options/${poll}`);
  await page.getByRole('button', { name: 'Withdraw: Idea cinema' }).click();
  await page.fill('#actor', 'm.muster');
  await page.getByLabel('They count for another').check();
  await check(page, 'withdrawing an option');
  await page.getByRole('button', { name: 'Carry out' }).click();
  await page.getByText('Please choose the option.').first().waitFor();
  await check(page, 'no target for the votes');
  await page.getByLabel('They stay with it').check();
  await page.getByRole('button', { name: 'Carry out' }).click();
  await check(page, 'asked back for an option');
  await page.getByRole('button', { name: 'Really carry out' }).click();
  await page.getByText('Done: Idea cinema').first().waitFor();
  await check(page, 'an option withdrawn');
  await page.goto(`${server.adminUrl}/#/options/long`);
  await page.getByText('60 options').first().waitFor();
  await check(page, 'many options');
}

export async function auditStates(page, server, check, poll) {
  await page.goto(`${server.adminUrl}/#/audit/poll/${poll}`);
  await page.locator('#chain').waitFor();
  await page.locator('#acts summary').first().click();
  await check(page, 'audit log');
  await page.route('**/audit?*', REFUSED(503, 'overloaded'));
  await page.reload();
  await page.locator('#audit .note').waitFor();
  await check(page, 'audit log refused');
  await page.unroute('**/audit?*');
  await page.route('**/audit?*', (route) => route.fulfill({ headers: { 'Content-Type': 'application/x-ndjson' }, body: '{"n":2,"at":"2026-05-20T14:31:44Z","act":"transition","to":"open","previous":"00"}\n' }));
  await page.getByRole('button', { name: 'Try again' }).click();
  await page.getByText('The chain is broken').first().waitFor();
  await check(page, 'audit log broken');
  await page.unroute('**/audit?*');
}
