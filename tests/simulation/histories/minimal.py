"""The scripted histories of minimal.json: the smallest runs in which each rule matters (export_histories.py loads this).

Each is played under the corrected rules, which gives the expectations, and again with its rule switched off: `breaks` says
what the model did then, and a script that the rule does not matter for is an error.
"""
X = None            # the exporter's module, set by histories()


def histories(exporter):
    global X
    X = exporter
    return minimal()


class Script:
    """Writes a history step by step, under the corrected rules."""
    def __init__(self, name, rule, note, wires='mm', policy=('field', 'server_wins'), limit=10, tokens=False):
        self.h = dict(format=1, name=name, rule=rule, note=note, tags=['minimal'], policy=dict(overlap=policy[0], resolver=policy[1]), keys=[],
                      replicas=[dict(name='ABCD'[i], wire=dict(m='mutation', b='bundle')[w]) for i, w in enumerate(wires)], limit=limit, bare=False, tokens=tokens)
        self.p = X.Player(self.h, record=True); self.n = 0; self.edits = 0

    def act(self, e, **kw): return self.p.step(dict(e=e, **kw))
    def create(self, r, k, **v): self.edit(r, k, 'create', do={**dict(a=0, b=0, n=0, m=0), **v})
    def update(self, r, k, *fields, **v): self.edit(r, k, 'update', do={**{f: 0 for f in fields}, **v})
    def erase(self, r, k): self.edit(r, k, 'erase')
    def edit(self, r, k, op, **kw):                                      # r None: a stranger
        if r: self.act('edit', r=r, key=k, op=op, **kw)
        else: self.act('foreign', key=k, op=op, **kw)
    def kind(self, r, what):
        k = self.p.next_kind(self.p.by[r], self.p.c[r], what)
        if k is None: raise X.Difference(f'{self.h["name"]}: {r} has nothing to {what}')
        return k
    def send(self, r, what): self.n += 1; self.act('send', r=r, q=self.n, kind=self.kind(r, what)); return self.n
    def serve(self, q, **kw): self.n += 1; self.act('serve', q=q, ans=self.n, **kw); return self.n
    def deliver(self, a): self.act('deliver', ans=a)
    def exchange(self, r, what, **kw): self.n += 1; return self.act('exchange', r=r, q=self.n, ans=self.n, kind=self.kind(r, what), **kw)
    def push(self, r):                                                   # until nothing is left in flight
        self.exchange(r, 'push')
        while self.p.by[r].batch: self.exchange(r, 'push')
    def pull(self, r): self.exchange(r, 'pull')
    def start(self, *rs):
        self.create(rs[0], 'T'); self.push(rs[0])
        for r in rs: self.pull(r)

    def done(self):
        self.p.settle_down(); self.p.settled(); return complete(self.h, self.p)


def broken(h, fixes):
    """The same history where some rule is off; what no longer fits (a client at another phase) is left out. -> what goes wrong"""
    p, first, i = X.Player(h, fixes, record=True), None, 0
    try:
        for i, e in enumerate(h['steps']):
            if e['e'] == 'quiesce': break
            try: done = p.step(e)
            except (X.Difference, KeyError): continue
            if done.get('see') != e.get('see') and first is None: first = f'step {i}: shows {done.get("see")} instead of {e.get("see")}'
        p.settle_down(); p.settled()
    except X.M.Violation as v: return f'step {i}: {v}'
    end, want = X.final(p.auth, p.reps, p.led), h['end']
    if end['authority']['rows'] != want['authority']['rows']: return f'the authority ends with {end["authority"]["rows"]} instead of {want["authority"]["rows"]}'
    for r in sorted(end['replicas']):
        if end['replicas'][r]['open'] != want['replicas'][r]['open']: return f'{r} is left with {end["replicas"][r]["open"]} instead of {want["replicas"][r]["open"]}'
    return first


def complete(h, p):
    h = dict(h, steps=p.steps, end=X.final(p.auth, p.reps, p.led), keys=sorted({e['key'] for e in p.steps if e['e'] in ('edit', 'foreign')}))
    if h.get('rule'):
        off = set(h['rule'].split('+')); lost = off & X.ADDED; X.ADDED -= lost
        try: h['breaks'] = broken(X.plain(h), X.M.ALL_FIXES - off)
        finally: X.ADDED |= lost
        if h['breaks'] is None: raise X.Difference(f'{h["name"]}: the model without {h["rule"]} does the same')
    return X.plain(h)


def minimal():
    out = []
    def case(*a, **kw): s = Script(*a, **kw); out.append(s); return s

    s = case('rowskip', 'rowskip', 'an answered pull that hung since before the acknowledged edit puts an older row over it: the user sees his edit vanish')
    s.start('A', 'B'); s.update('B', 'T', 'b'); s.push('B'); late = s.serve(s.send('A', 'pull')); s.act('timeout', r='A')
    s.update('A', 'T', 'a'); q = s.send('A', 'push'); s.deliver(s.serve(q, strip_row=True)); s.deliver(late)

    s = case('folded', 'folded+echo', 'the pull brought the row that holds the mutation already; folding the late acknowledgement in counts the delta twice for ever')
    s.start('A', 'B'); s.update('A', 'T', n=1); a = s.serve(s.send('A', 'push')); s.act('timeout', r='A'); s.pull('A'); s.deliver(a); s.pull('A')

    s = case('echo_later', 'echo', 'the row that came in between holds the own mutation under a later one of somebody else: laid over it, the frozen delta shows twice until its answer')
    s.start('A', 'B'); s.update('A', 'T', n=1); a = s.serve(s.send('A', 'push')); s.pull('B'); s.update('B', 'T', n=5); s.push('B'); s.act('timeout', r='A'); s.pull('A'); s.deliver(a); s.pull('A')

    s = case('provref', 'provref+chain', 'A\'s acknowledged edit of b was merged with a foreign a that A has not been shown; without the rule its next edit of a overwrites it unseen')
    s.start('A', 'B'); s.update('B', 'T', 'a'); s.push('B'); s.update('A', 'T', 'b'); q = s.send('A', 'push'); s.deliver(s.serve(q, strip_row=True))
    s.update('A', 'T', 'a'); s.push('A')

    s = case('chain', 'chain', 'a version that A\'s mutation produced by merging counts as wholly seen; an edit of a made before the answer overwrites the foreign a unseen')
    s.start('A', 'B'); s.update('B', 'T', 'a'); s.push('B'); s.update('A', 'T', 'b'); q = s.send('A', 'push'); a = s.serve(q); s.update('A', 'T', 'a'); s.deliver(a); s.push('A')

    s = case('hidden', 'hidden', 'a page goes under the frozen layer, the user still sees his own a; an edit of it then must not count the hidden row as seen')
    s.start('A', 'B'); s.update('A', 'T', 'a'); q = s.send('A', 'push'); s.act('timeout', r='A'); s.update('B', 'T', 'a'); s.push('B'); s.pull('A')
    s.update('A', 'T', 'a'); s.deliver(s.serve(q)); s.push('A')

    s = case('sameid', 'sameid', 'a mutation answered with error that is frozen anew gets a new id; the network\'s second copy of the first request applies it a second time')
    s.start('A', 'B'); s.update('A', 'T', n=1); q = s.send('A', 'push'); s.deliver(s.serve(q, errors=['T'])); s.serve(q); s.push('A')

    for name, wires in (('swap', 'bm'), ('swap_mutation', 'mm')):
        s = case(name, 'swap', 'the device restarts in the middle of a rehydration and pushes first: the frozen copy is older than the row that it then holds, and the acknowledged edit vanishes', wires=wires, limit=1)
        s.create('A', 'T'); s.push('A'); s.pull('A'); s.pull('B'); s.create('B', 'T2'); s.push('B'); s.update('B', 'T2', 'b'); s.push('B'); s.act('prune', to=3)
        s.pull('A'); s.pull('A'); s.act('crash', r='A'); s.update('A', 'T', 'a'); s.push('A'); s.pull('A')

    s = case('deadses', 'deadses', 'the batch is thawed as soon as the refusal arrives; a second copy of the commit then finds the cause gone and commits the old content under a source_bundle_id that the device uses anew', wires='bb')
    s.create('A', 'P'); s.push('A'); s.create('A', 'C1'); s.erase(None, 'P'); s.exchange('A', 'push'); s.exchange('A', 'push'); q = s.send('A', 'push'); s.deliver(s.serve(q))
    if s.kind('A', 'push') == 'bdelete': s.exchange('A', 'push')
    s.create(None, 'P'); s.serve(q); s.update('A', 'C1', n=1); s.push('A')

    s = case('absorb', 'absorb', 'the second edit is taken as the difference between the row now and the base image: the foreign delta of 5, seen after a rebase, is sent as the device\'s own')
    s.start('A', 'B'); s.update('A', 'T', n=1); s.update('B', 'T', n=5); s.push('B'); s.pull('A'); s.update('A', 'T', n=1); s.push('A')

    s = case('foldfirst', 'foldfirst', 'the conflict is decided on the frozen intent alone, then the open edit of a is composed onto the moved base and overwrites the foreign a unseen', wires='bb', policy=('field', 'field_merge'))
    s.start('A', 'B'); s.update('A', 'T', n=1); s.exchange('A', 'push'); s.exchange('A', 'push'); s.update('A', 'T', 'a'); s.update('B', 'T', 'a'); s.push('B'); s.push('A')

    s = case('cascade', 'cascade', 'A erases a parent without having seen its new child: the cascade destroys a record nobody decided about')
    s.create('A', 'P'); s.push('A'); s.pull('A'); s.pull('B'); s.create('B', 'C1'); s.push('B'); s.erase('A', 'P'); s.push('A')

    s = case('pullfree', 'pullfree', 'a bundle page brings the own commit while its batch is still a layer: the delta shows twice until the replay', wires='bb')
    s.start('A', 'B'); q = s.send('A', 'pull'); s.act('timeout', r='A'); s.update('A', 'T', n=1)
    for _ in range(3): s.exchange('A', 'push')
    s.deliver(s.serve(q))

    s = case('heldtwice', 'heldtwice', 'held leaves no receipt, so the second copy of the request applies the child under its first id after the device gave it back to open: its new id meets its own old self', policy=('field', 'park'))
    s.create('A', 'P'); s.push('A'); s.pull('A'); s.update('A', 'P', 'a'); s.create('A', 'C1', n=1); s.erase(None, 'P'); q = s.send('A', 'push'); s.deliver(s.serve(q))
    s.create(None, 'P'); s.serve(q); s.act('discard', r='A', key='P'); s.act('retry', r='A', key='C1'); s.push('A')

    s = case('echo', 'echo', 'a pulled row that holds the frozen mutation already is laid under it: the delta shows twice until the answer comes')
    s.start('A', 'B'); s.update('A', 'T', n=1); a = s.serve(s.send('A', 'push')); s.act('timeout', r='A'); s.pull('A'); s.deliver(a); s.pull('A')

    s = case('sesskill', 'sesskill', 'a session of an older create of the same tuple still commits: its delayed copy puts the old content under the source_bundle_id that the device then uses anew, and the newer content is taken for committed', wires='bb')
    s.create('A', 'P'); s.push('A'); s.create('A', 'C1'); s.erase(None, 'P'); s.exchange('A', 'push'); s.exchange('A', 'push'); q = s.send('A', 'push'); s.act('timeout', r='A')
    for _ in range(4): s.exchange('A', 'push')
    s.create(None, 'P'); s.serve(q); s.update('A', 'C1', n=1); s.push('A')

    s = case('netrow', 'netrow', 'the outcome of the child says applied and not that the cascade of the same request took it again: the device shows a dead child until the tombstone comes', policy=('field', 'client_wins'))
    s.create('A', 'P'); s.push('A'); s.create('A', 'C1'); s.push('A'); s.pull('A'); s.update('A', 'C1', 'b'); s.edit('A', 'P', 'erase', no_cascade=True); s.exchange('A', 'push'); s.pull('A')

    for name, wires in (('dead_create', 'mm'), ('dead_create_bundle', 'bm')):
        s = case(name, 'dead_create', 'the key was used and erased by somebody else before: the new record meets nothing that lives, and no resolver may refuse or drop it', wires=wires)
        s.create('B', 'T'); s.push('B'); s.erase('B', 'T'); s.push('B'); s.create('A', 'T', n=3); s.push('A'); s.update('A', 'T', 'b'); s.push('A')

    for name, wires in (('dead_delete', 'mm'), ('dead_delete_bundle', 'bm')):
        s = case(name, 'dead_delete', 'both erased the record: what the second one wanted is so already, there is nothing for a person to decide', wires=wires, policy=('field', 'park'))
        s.start('A', 'B'); s.erase('B', 'T'); s.push('B'); s.erase('A', 'T'); s.push('A')

    s = case('orphan', None, 'a row arrives under a parent that a pending erase hides: it goes into the base and is not shown; the erase is then a cascade conflict and both come back')
    s.create('A', 'P'); s.push('A'); s.pull('A'); s.pull('B'); s.erase('A', 'P'); s.create('B', 'C1'); s.push('B'); s.pull('A')
    del s.h['rule']
    return [s.done() for s in out]
