#!/usr/bin/env python3
"""Exports histories of the executable model as JSON; histories/README.md defines the format.

    export_histories.py MODEL_FOLDER --out DIR     writes the files
    export_histories.py MODEL_FOLDER --verify DIR  replays the files on fresh model objects and compares every expectation
    export_histories.py MODEL_FOLDER --check N     N seeds of the model's own simulation under the two added rules
"""
import argparse, collections, copy, glob, json, os, random, sys

WIRE = dict(snapshot='mutation', bundle='bundle')
ADDED = {'dead_delete', 'dead_create', 'park_overlap', 'max_base'}
COLUMNS = ('a', 'b', 'n', 'm', 's')


# ---------------------------------------------------------------- the model, and two rules that it was not run with
def load(folder):
    global M, S
    sys.dont_write_bytecode = True
    sys.path.insert(0, folder)
    import model, sim
    M, S = model, sim
    patch()


def patch():
    """ENGINE.md rule 10: a delete of a dead record is applied before any resolver; a create on a dead or unknown key takes
    what is there and is no conflict. And the charter's default: changes of different fields are merged and no resolver is asked, `park` too;
    fields with a merge do not overlap. And the law of every merge, which the model's overlay keeps and its resolver does not: where the
    authority's value is the one that the user saw, the user's is taken."""
    plain_resolve, plain_foreign, plain_push = M.resolve, M.Authority._foreign_since, M.Authority.push

    def resolve(policy, m, server, changed):
        if server is None and m.op == 'erase' and 'dead_delete' in ADDED: return 'noop', None, (), ()
        if server is None and m.op == 'create' and 'dead_create' in ADDED: return 'write', m.full(), (), tuple(M.ALL)
        if policy == ('field', 'park') and server is not None and m.op != 'erase' and 'park_overlap' in ADDED:
            seen = M.ALL if m.op == 'create' else changed
            if not any(f in seen and f in M.REG for f in m.vals): return unchanged_max(plain_resolve(('field', 'field_merge'), m, server, changed), m, server)
        return unchanged_max(plain_resolve(policy, m, server, changed), m, server)

    def unchanged_max(said, m, server):
        verb, r, lost, decided = said
        if 'max_base' in ADDED and verb == 'write' and 'm' in m.vals and 'm' not in lost and m.img and server and server['m'] == m.img['m']: r = dict(r, m=m.vals['m'])
        return verb, r, lost, decided

    def foreign_since(self, key, ver, after):
        if key in self.creates and key not in self.rows and 'dead_create' in ADDED: return frozenset()      # so its receipt is clean
        return plain_foreign(self, key, ver, after)

    def push(self, ms):
        self.creates = {m.key for _, m in ms if m.op == 'create'}                # a batch has one item per key
        try: return plain_push(self, ms)
        finally: self.creates = ()

    M.resolve, M.Authority._foreign_since, M.Authority.push, M.Authority.creates = resolve, foreign_since, push, ()


# ---------------------------------------------------------------- what both recorder and replayer say about a state
def row(r): return None if r is None else [r[c] for c in COLUMNS]
def pending_erase(r, k):
    return any(i is not None and i.op == 'erase' for i in (r.open.get(k), r.frozen(k)))
def orphans(r): return [k for k in sorted(r.visible) if k in M.PARENT and M.PARENT[k] not in r.visible]
def hidden(r): return [k for k in orphans(r) if pending_erase(r, M.PARENT[k])]
def loose(r): return [k for k in orphans(r) if not pending_erase(r, M.PARENT[k])]
def shown(r):
    h = hidden(r); return {k: row(v) for k, v in sorted(r.visible.items()) if k not in h}
def durable(r): return repr((sorted(r.visible.items()), sorted(r.base.items()), sorted(r.open.items()), r.batch, r.cursor, r.sbid, r.nmid, r.stage, r.needs_hydration))
def plain(d): return json.loads(json.dumps(d))


def summary(kind, a, keys):
    """The `answer` of a serve; keys: mutation id -> (key, op)."""
    if kind == 'push':
        return dict(outcomes={keys[m][0]: 'merged' if o['outcome'] == 'applied' and o['merged'] and keys[m][1] != 'erase' else o['outcome'] for m, o in a.items()})
    k = a['kind']; out = dict(kind={'hpage': 'page', 'hgone': 'gone'}.get(k, k))
    if k in ('conflict', 'refused', 'cascade'): out['key'] = a['key']
    if k == 'cascade': out['child'] = a['child']
    if k == 'page': out['rows'] = [x[0] for x in a['rows']]
    if k == 'bundles': out['seqs'] = [x[0] for x in a['bundles']]
    if k == 'hpage': out.update({'from': a['frm'], 'count': len(a['rows']), 'total': a['total']})
    return out


def send_event(r, q, kind, froze):
    if kind == 'pull' and r.wire == 'bundle': kind = 'bpull'
    e = dict(e='send', r=r.name, q=q, kind=kind)
    if kind == 'bpull' or kind == 'pull' or kind == 'hyd': return e
    if froze: e['froze'] = True
    if kind in ('push', 'bcreate', 'bchunk') and r.batch: e['items'] = [[i.key, i.op, dict(i.vals)] for _, i in r.batch['items']]
    return e


class Expectations:
    """Adds `see` and `loose` to steps."""
    def __init__(self, reps): self.reps, self.last, self.free = reps, {r.name: {} for r in reps}, {r.name: [] for r in reps}

    def note(self, e):
        for r in self.reps:
            v, l = shown(r), loose(r)
            if v != self.last[r.name]: e.setdefault('see', {})[r.name] = v; self.last[r.name] = v
            if l != self.free[r.name]: e.setdefault('loose', {})[r.name] = l; self.free[r.name] = l
        return e


def final(auth, reps, led):
    def fate(i):
        fs = {f: x for (e, f), x in led.fate.items() if e == i}
        return next(iter(fs.values())) if len(set(fs.values())) == 1 else fs
    return plain(dict(
        authority=dict(rows={k: row(v) for k, v in sorted(auth.rows.items())}, head=auth.head(), floor=auth.floor, ver=dict(sorted(auth.ver.items()))),
        replicas={r.name: dict(visible=shown(r), base={k: [row(b.rec), b.ver] for k, b in sorted(r.base.items())},
                               open={k: dict(op=i.op, waiting=i.waiting) for k, i in sorted(r.open.items())}) for r in reps},
        fates={str(i): fate(i) for i, e in led.edits.items() if e['who'] != 'srv'}))


def foreign_write(auth, led, k, op, vals):
    """A stranger's transaction; vals as World.foreign takes them (n is a delta over the present row). -> the event."""
    ev = dict(e='foreign', key=k, op=op)
    def fn(touched):
        if op == 'erase':
            auth._erase(k, touched); return
        eid = led.new('srv', k, op, vals, {}); r = dict(auth.rows.get(k) or dict(s=None)); v = dict(vals)
        for f in M.REG:
            if f in v: v[f] = eid
        if 'n' in v: led.edits[eid]['delta'] = v['n']; v['n'] += r.get('n', 0)
        led.settle({f: [eid] for f in vals}, 'applied'); r.update(v); auth._write(k, r); touched.add(k)
        ev['id'], ev['set'] = eid, v
    live = [c for c in M.CHILDREN.get(k, ()) if c in auth.rows] if op == 'erase' else []
    auth.foreign(fn)
    if live: ev['also'] = live
    return ev


def device_edit(r, led, k, op, vals, no_cascade=False):
    also, n = {}, led.n
    if no_cascade:                                       # SQL with foreign keys off
        kids = M.CHILDREN.pop(k)
        try: e = device_edit(r, led, k, op, vals)
        finally: M.CHILDREN[k] = kids
        e['no_cascade'] = True; return e
    if op == 'erase':
        for c in M.CHILDREN.get(k, ()):
            if c in r.visible: n += 1; also[c] = n
    old = r.visible.get(k); r.edit(k, op, vals); eid = led.n
    if eid != n + 1: raise M.Violation('edit ids')
    e = dict(e='edit', r=r.name, key=k, op=op, id=eid)
    if vals: e['set'] = {f: eid if f in M.REG else v + (old['n'] if f == 'n' and old else 0) for f, v in vals.items()}
    if also: e['also'] = also
    return e


# ---------------------------------------------------------------- recorder: the model's own simulation, every choice written down
def make_recorder():
    class Recorder(S.World):
        def __init__(self, seed, opts=None):
            super().__init__(seed, opts=opts); o = opts or {}
            if 'bare' in o: self.auth.bare = o['bare']
            if 'prune' in o: self.use_prune = o['prune']
            if 'limit' in o: self.limit = o['limit']
            self.warm = o.get('warm')
            if 'error_rate' in o: self.auth.error_rate = o['error_rate']
            self.events, self.tags, self.nq, self.na, self.used = [], set(), 0, 0, set()
            self.exp = Expectations(self.reps); self.watch()

        # -- things a driver may want to know beforehand
        def watch(self):
            a = self.auth; seal, commit, pull, push, hcreate = a._seal, a.bcommit, a.pull, a.push, a.hcreate
            def _seal(keys, source, sbid=None, writers=None, force=()):
                if any(a.sealed.get(k) == a.rows.get(k) and k not in force for k in keys): self.tags.add('net_zero')
                if any(a.sealed.get(k) == a.rows.get(k) and k in force for k in keys): self.tags.add('same_row')
                return seal(keys, source, sbid, writers, force)
            tuples, create = {}, a.bcreate
            def bcreate(source, sbid):
                x = create(source, sbid)
                if x['kind'] == 'staging': tuples[x['push']] = (source, sbid)
                return x
            def bcommit(p):
                if tuples.get(p) in a.breceipts: self.tags.add('commit_again')
                s = a.sessions.get(p); x = commit(p)
                if x['kind'] == 'conflict':
                    bad = [m.key for _, m in s['rows'] if (not (a.rows.get(m.key) is None and a.ver.get(m.key, 0) in (0, m.ver)) if m.op == 'create' else (m.key not in a.rows or m.ver != a.ver.get(m.key, 0)))]
                    if len(bad) > 1: self.tags.add('many_conflicts')
                return x
            def apull(cursor, limit):
                a.seal_foreign(); order = sorted((s, k) for k, s in a.stamp_of.items() if s > cursor)
                if len(order) > limit and a.ver[order[limit - 1][1]] == a.ver[order[limit][1]]: self.tags.add('cut_commit')
                return pull(cursor, limit)
            def apush(ms):
                for mid, m in ms:
                    rc = a.receipts.get(mid)
                    if rc: self.tags.add('receipt_again')
                out = push(ms); bad = {m.key for mid, m in ms if out[mid]['outcome'] == 'error'}
                for mid, m in ms:
                    o = out[mid]
                    if m.key in M.PARENT and M.PARENT[m.key] in bad and o['outcome'] != 'error': self.tags.add('child_of_error')
                    if o['outcome'] in ('superseded', 'refused', 'held', 'error'): self.tags.add(o['outcome'])
                    if o['outcome'] == 'applied' and o['merged']: self.tags.add('merged')
                    if 'version' in o and o['version'] != a.ver.get(m.key, 0): o['stale'] = True
                return out
            a._seal, a.bcreate, a.bcommit, a.pull, a.push = _seal, bcreate, bcommit, apull, apush

        def random_edit(self, visible):
            e = super().random_edit(visible)
            if e and e[2] and 'm' in e[2]:                     # an edit always changes something: m is new in the history
                while e[2]['m'] in self.used: e[2]['m'] = self.rnd.randint(0, 999 if self.steps < 200 else 9999)
                self.used.add(e[2]['m'])
            return e

        def emit(self, e): self.events.append(self.exp.note(e)); return e

        def request(self, c, what):
            froze = c.r.batch is None; q = self.next_request(c, what)
            if not q: return None
            self.nq += 1; ev = send_event(c.r, self.nq, q[0], froze and c.r.batch is not None)
            keys = {m: (i.key, i.op) for m, i in c.r.batch['items']} if q[0] == 'push' else {}
            return q, self.nq, keys, ev

        def served(self, ev, kind, keys, a):
            self.na += 1; ev['ans'] = self.na; ev['answer'] = summary(kind, a, keys)
            if kind == 'push':
                bad = [keys[m][0] for m, o in a.items() if o['outcome'] == 'error']
                if bad: ev['errors'] = bad
            elif a['kind'] == 'error': ev['errors'] = True; self.tags.add('error')
            elif a['kind'] in ('conflict', 'refused', 'cascade', 'pruned', 'already'): self.tags.add(a['kind'])
            if kind == 'hyd': self.tags.add('hydration')

        def delivered(self, c, token, kind, uid, a, again):
            stale = kind == 'push' and any(o.pop('stale', False) for o in a.values())
            before, late = durable(c.r), token != c.token
            self.answer(c, token, kind, uid, copy.deepcopy(a)); idle = before == durable(c.r); ev = {}
            if late: ev['late'] = True; self.tags.add('late' if idle else 'late_effect')
            if again: ev['dup'] = True; self.tags.add('dup_answer')
            if idle: ev['idle'] = True
            if stale and not idle: self.tags.add('stale_repeat')
            if kind == 'hyd' and not idle: self.tags.add('hyd_' + WIRE[c.r.wire])
            return ev

        def foreign(self):
            e = None if self.no_foreign else self.random_edit(self.auth.rows)
            if e: self.tags.add('foreign'); self.emit(foreign_write(self.auth, self.led, *e))

        def step(self):                                          # World.step, with its chances as parameters
            rnd = self.rnd; x = rnd.random(); self.auth.now += rnd.choice((0, 1, 5)); c = rnd.choice(self.cl); r = c.r
            chances = dict(edit=.22, foreign=.06, send=.26, net=.34, timeout=.02, crash=.015, prune=.03, wait=.055) if self.warm else dict(edit=.24, foreign=.06, send=.22, net=.38, timeout=.04, crash=.02, prune=.01, wait=.03)
            for what, p in chances.items():
                if x < p: break
                x -= p
            if what == 'edit':
                dark = orphans(r); e = self.random_edit({k: v for k, v in r.visible.items() if k not in dark})
                if e: self.emit(device_edit(r, self.led, *e))
            elif what == 'foreign': self.foreign()
            elif what == 'send':
                if not c.waiting:
                    got = self.request(c, rnd.choice(('push', 'pull')))
                    if got:
                        q, nq, keys, ev = got; c.token += 1; c.waiting = True
                        self.net.append(['req', c, c.token, q, nq, keys, False]); self.emit(ev)
            elif what == 'net' and self.net:
                m = self.net.pop(rnd.randrange(len(self.net)) if rnd.random() < .3 * self.faults else -1); y = rnd.random()
                if m[0] == 'req':
                    if y < .08 * self.faults: self.tags.add('lost_request'); return
                    if y < .2 * self.faults: self.net.insert(0, m); self.tags.add('dup_request')
                    ev = dict(e='serve', q=m[4]); a = m[3][2](); self.served(ev, m[3][0], m[5], a)
                    self.net.append(['ans', m[1], m[2], m[3], ev['ans'], a, False]); self.emit(ev)
                else:
                    if y < .12 * self.faults: self.tags.add('lost_answer'); return
                    again = m[6]
                    if y < .18 * self.faults: self.net.insert(0, m[:6] + [True])
                    ev = dict(e='deliver', ans=m[4]); ev.update(self.delivered(m[1], m[2], m[3][0], m[3][1], copy.deepcopy(m[5]), again)); self.emit(ev)
            elif what == 'timeout':
                if c.waiting: c.waiting = False; c.token += 1; c.phase, c.push = 'create', None; self.tags.add('timeout'); self.emit(dict(e='timeout', r=r.name))
            elif what == 'crash': self.crash(c); self.tags.add('crash'); self.emit(dict(e='crash', r=r.name))
            elif what == 'prune' and self.use_prune:
                self.auth.seal_foreign(); to = rnd.randint(0, self.auth.head()); self.auth.prune(to); self.tags.add('prune'); self.emit(dict(e='prune', to=to))
            elif what == 'wait':
                w = [(q, k) for q in self.reps for k, i in q.open.items() if i.waiting]
                if w:
                    q, k = rnd.choice(w); what = 'retry' if rnd.random() < .5 else 'discard'; getattr(q, what)(k)
                    self.tags.add(what); self.emit(dict(e=what, r=q.name, key=k))

        def run(self):
            if self.warm:                                        # the records exist and everybody has them before chance begins
                for i, k in enumerate([k for k in self.keyset if self.warm != 'parent' or k not in M.PARENT]):
                    vals = dict(a=0, b=0, n=0, m=10 * i); self.used.add(10 * i)
                    if self.warm == 'device': self.emit(device_edit(self.reps[0], self.led, k, 'create', vals))
                    else: self.emit(foreign_write(self.auth, self.led, k, 'create', vals))
                    self.sync(self.cl[0])
                for c in self.cl[1:]: self.sync(c)
            return super().run()

        def sync(self, c):
            for what in ('push', 'pull'):
                for _ in range(200):
                    got = self.request(c, what)
                    if not got: break
                    q, nq, keys, ev = got; c.token += 1; before = (c.r.cursor, c.r.needs_hydration, len(c.r.stage['rows']) if c.r.stage else -1)
                    ev['e'] = 'exchange'; a = q[2](); self.served(ev, q[0], keys, a); ev.update(self.delivered(c, c.token, q[0], q[1], a, False)); self.emit(ev); self.check()
                    if what == 'pull' and before == (c.r.cursor, c.r.needs_hydration, len(c.r.stage['rows']) if c.r.stage else -1): break
                else: raise M.Violation('sync does not end')

        def check(self):
            super().check()
            for r in self.reps:
                if hidden(r): self.tags.add('hidden_child')
                if loose(r): self.tags.add('loose')

        def quiesce(self):
            self.emit(dict(e='quiesce')); self.cut = None
            plain_sync, n = self.sync, [0]
            def world(): return repr([durable(r) for r in self.reps]) + repr((sorted(self.auth.rows.items()), self.auth.head()))
            mark = [world(), len(self.events)]
            def sync(c):                                         # rounds in which nothing moves are not written
                plain_sync(c); n[0] += 1
                if n[0] % len(self.cl) == 0:
                    w = world()
                    if w == mark[0] and self.cut is None: self.cut = mark[1]
                    elif w != mark[0]: self.cut = None
                    mark[:] = [w, len(self.events)]
            self.sync = sync; super().quiesce(); del self.sync
            # keep one round that proves that nothing moves
            if self.cut is not None:
                end = self.cut
                for i, e in enumerate(self.events[self.cut:]):
                    if e['r'] == self.reps[-1].name and (self.cut + i + 1 == len(self.events) or self.events[self.cut + i + 1]['r'] == self.reps[0].name): end = self.cut + i + 1; break
                del self.events[end:]
            return self

        def history(self, name):
            used = sorted({e['key'] for e in self.events if 'key' in e and e['e'] in ('edit', 'foreign')} | {c for e in self.events for c in e.get('also', ())})
            if self.auth.bare: self.tags.add('bare')
            return plain(dict(format=1, name=name, seed=self.seed, tags=sorted(self.tags), policy=dict(overlap=self.policy[0], resolver=self.policy[1]), keys=used,
                              replicas=[dict(name=r.name, wire=WIRE[r.wire]) for r in self.reps], limit=self.limit, bare=self.auth.bare, tokens=self.tokens,
                              steps=self.events, end=final(self.auth, self.reps, self.led)))
    return Recorder


# ---------------------------------------------------------------- replayer: only what a history says, on fresh model objects
class Difference(Exception): pass


class Scripted:
    """The authority's dice, loaded: one number per mutation that it asks about."""
    def __init__(self): self.todo = []
    def random(self): return self.todo.pop(0)


class Player:
    """Executes steps. With `record` it fills in the expectations, otherwise it compares them."""
    def __init__(self, h, fixes=None, record=False):
        self.h, self.record, fixes = h, record, M.ALL_FIXES if fixes is None else fixes
        self.fixes = fixes; self.led = M.Ledger(); self.policy = (h['policy']['overlap'], h['policy']['resolver']); self.dice = Scripted()
        self.auth = M.Authority(self.policy, fixes, self.led, self.dice); self.auth.error_rate = .5; self.auth.bare = h['bare']
        self.reps = [M.Replica(x['name'], dict(mutation='snapshot', bundle='bundle')[x['wire']], self.policy, fixes, self.led) for x in h['replicas']]
        self.by = {r.name: r for r in self.reps}; self.q, self.a, self.seen = {}, {}, collections.Counter()
        self.c = {r.name: dict(token=0, phase='create', push=None, erased=None) for r in self.reps}
        self.exp = Expectations(self.reps); self.steps = []
        self.keyset = ['T', 'T2', 'P', 'C1', 'C2']; self.erases = True       # for World.check

    def check(self): S.World.check(self)

    def run(self, steps=None):
        for i, e in enumerate(steps if steps is not None else self.h['steps']):
            try: self.step(e)
            except Difference as d: raise Difference(f'{self.h["name"]} step {i} {e["e"]}: {d}')
        return self

    def same(self, what, told, got):
        if told != got: raise Difference(f'{what}: expected {told}, got {got}')

    def step(self, e):
        told = e; done = getattr(self, 'do_' + e['e'])(dict(e)); done = plain(self.exp.note({k: v for k, v in done.items() if k not in ('see', 'loose')}))
        if not self.record: self.same('step', told, done)
        self.steps.append(done); self.check(); return done

    # -- users and strangers. In record mode `do` = {field: value, n a delta} may stand instead of `set`
    def values(self, e, under):
        if e['op'] == 'erase': return None
        if 'do' in e: return dict(e['do'])
        v = dict(e['set'])
        if 'n' in v and under: v['n'] -= under['n']
        return v
    def do_edit(self, e):
        r = self.by[e['r']]; k = e['key']
        if (e['op'] == 'create') == (k in r.visible): raise Difference('the edit does not fit what is there')
        if e['op'] != 'erase' and M.PARENT.get(k) and M.PARENT[k] not in r.visible: raise Difference('no parent')
        return device_edit(r, self.led, k, e['op'], self.values(e, r.visible.get(k)), e.get('no_cascade', False))
    def do_foreign(self, e):
        if (e['op'] == 'create') == (e['key'] in self.auth.rows): raise Difference('the write does not fit what is there')
        if e['op'] != 'erase' and M.PARENT.get(e['key']) and M.PARENT[e['key']] not in self.auth.rows: raise Difference('no parent')
        return foreign_write(self.auth, self.led, e['key'], e['op'], self.values(e, self.auth.rows.get(e['key'])))
    def do_prune(self, e): self.auth.seal_foreign(); self.auth.prune(e['to']); return e
    def do_retry(self, e): self.waits(e); self.by[e['r']].retry(e['key']); return e
    def do_discard(self, e): self.waits(e); self.by[e['r']].discard(e['key']); return e
    def waits(self, e):
        i = self.by[e['r']].open.get(e['key'])
        if i is None or not i.waiting: raise Difference('nothing waits there')

    # -- faults
    def do_timeout(self, e): c = self.c[e['r']]; c['token'] += 1; c['phase'], c['push'] = 'create', None; return e
    def do_crash(self, e): c = self.c[e['r']]; c.update(token=c['token'] + 1, phase='create', push=None, erased=None); return e
    def do_quiesce(self, e):
        self.q, self.a = {}, {}
        for c in self.c.values(): c.update(phase='create', push=None, erased=None)
        return e

    # -- messages
    def do_send(self, e):
        r, c, kind, had = self.by[e['r']], self.c[e['r']], e['kind'], self.by[e['r']].batch is not None
        fits = self.next_kind(r, c, 'pull' if kind in ('pull', 'bpull', 'hyd') else 'push')
        if kind != fits: raise Difference(f'kind of request: {kind}, the client would send {fits}')
        if kind in ('pull', 'bpull', 'hyd'):
            if kind == 'hyd': st = r.stage; what = (st['sid'], len(st['rows'])) if st else None
            else: what = r.cursor
        else:
            b = r.freeze()
            what = copy.deepcopy(b['items'])
            if kind == 'brows': what = b['seq']
            elif kind == 'bcreate': what = b['sbid']
            elif kind in ('bcommit', 'bdelete'): what = c['push']
            elif kind == 'bchunk': what = (c['push'], what)
        c['token'] += 1; uid = r.batch['uid'] if r.batch else 0
        keys = {m: (i.key, i.op) for m, i in r.batch['items']} if kind == 'push' else {}
        self.q[e['q']] = (r, c['token'], kind, uid, what, keys)
        ev = send_event(r, e['q'], kind, not had and r.batch is not None); ev['e'] = e['e']; return ev

    def do_serve(self, e):
        r, token, kind, uid, what, keys = self.q[e['q']]; a, lim, bad = self.auth, self.h['limit'], e.get('errors', ())
        if kind == 'push':
            ask = [m.key for mid, m in a._order(what) if mid not in a.receipts]; self.dice.todo = [0 if k in bad else 1 for k in ask]
            x = a.push(what)
            if e.get('strip_row'):
                for o in x.values():
                    if o['outcome'] == 'applied': o.update(merged=False, row=None)
        elif kind == 'bcommit': self.dice.todo = [0 if bad else 1]; x = a.bcommit(what)
        elif kind == 'hyd': x = a.hpage(a.hcreate()['sid'], 0, lim) if what is None else a.hpage(*what, lim)
        elif kind == 'bcreate': x = a.bcreate(r.name, what)
        elif kind == 'bchunk': x = a.bchunk(*what)
        else: x = dict(brows=lambda: a.brows(what), bdelete=lambda: a.bdelete(what), pull=lambda: a.pull(what, lim), bpull=lambda: a.bpull(what, lim))[kind]()
        self.a[e['ans']] = (e['q'], x)
        ev = dict(e=e['e'], q=e['q'], ans=e['ans'], answer=summary(kind, x, keys))
        if kind == 'push':
            ev['errors'] = [keys[m][0] for m, o in x.items() if o['outcome'] == 'error']
            if e.get('strip_row'): ev['strip_row'] = True
        else: ev['errors'] = x['kind'] == 'error'
        if not ev['errors']: del ev['errors']
        return ev

    def do_deliver(self, e):
        q, x = self.a[e['ans']]; r, token, kind, uid, _, _ = self.q[q]; c = self.c[r.name]; late = token != c['token']
        before = durable(r); x = copy.deepcopy(x)
        if not (late and self.h['tokens']): self.take(r, c, kind, uid, x, late)
        ev = dict(e=e['e'], ans=e['ans'])
        if late: ev['late'] = True
        if self.seen[e['ans']]: ev['dup'] = True
        if before == durable(r): ev['idle'] = True
        self.seen[e['ans']] += 1; return ev

    def do_exchange(self, e):
        ev = self.do_send(e); s = self.do_serve(e); d = self.do_deliver(e); d.pop('late', None)
        return {**ev, **s, **d, 'e': 'exchange'}

    def take(self, r, c, kind, uid, x, late):
        def decided(y): (r.refused if y['kind'] == 'refused' else r.conflict)(uid, y['key'] if y['kind'] == 'refused' else y)
        if kind == 'push': return r.settle(uid, x)
        k = x['kind']
        if k == 'page': r.page(x)
        elif k == 'bundles': r.bundles(x)
        elif k == 'hpage': r.hpage(x)
        elif k == 'rows': r.replay(uid, x['seq'], x['rows'])
        elif k in ('already', 'committed'):
            r.committed(uid, x['seq'])
            if not late: c.update(phase='create', push=None)
        elif k == 'conflict' or k in ('refused', 'cascade') and 'deadses' not in self.fixes:
            decided(x)
            if not late: c.update(phase='create', push=None)
        elif late: pass
        elif k == 'pruned':
            if kind != 'brows': r.needs_hydration, r.stage = True, None
            elif r.batch and r.batch['uid'] == uid: r.replay(uid, r.batch['seq'], None)
        elif k == 'hgone': r.stage = None
        elif k == 'staging': c.update(phase='chunk', push=x['push'])
        elif k == 'chunked': c['phase'] = 'commit'
        elif k in ('refused', 'cascade'): c.update(phase='delete', erased=x)
        elif k == 'deleted':
            y = c['erased']; c.update(phase='create', push=None, erased=None)
            if y: decided(y)
        elif k == 'sequence': raise M.Violation('source sequence broken')
        else: c.update(phase='create', push=None)

    # -- the end: everybody syncs until a whole round changes nothing (record mode)
    def settle_down(self):
        self.step(dict(e='quiesce')); n = 900
        def world(): return repr([durable(r) for r in self.reps]) + repr((sorted(self.auth.rows.items()), self.auth.head()))
        for _ in range(8):
            was = world()
            for r in self.reps:
                for what in ('push', 'pull'):
                    for _ in range(60):
                        c = self.c[r.name]; kind = self.next_kind(r, c, what)
                        if kind is None: break
                        n += 1; before = (r.cursor, r.needs_hydration, len(r.stage['rows']) if r.stage else -1); self.step(dict(e='exchange', r=r.name, q=n, ans=n, kind=kind))
                        if what == 'pull' and before == (r.cursor, r.needs_hydration, len(r.stage['rows']) if r.stage else -1): break
                    else: raise M.Violation('sync does not end')
            if world() == was: break
        return self

    def next_kind(self, r, c, what):
        if what == 'push':
            x = copy.copy(r); x.open = dict(r.open); b = x.freeze()      # looks, and freezes nothing
            if not b: return None
            return 'push' if r.wire == 'snapshot' else 'brows' if b['state'] == 'committed_remote' else 'b' + c['phase']
        if r.needs_hydration: return 'hyd'
        if r.wire == 'bundle' and r.batch and 'pullfree' in self.fixes: return None
        return 'pull' if r.wire == 'snapshot' else 'bpull'

    def settled(self):
        """World.quiesce's invariants."""
        waiting = set()
        for r in self.reps:
            if r.batch: raise M.Violation(f'{r.name}: batch never settled')
            for k, i in r.open.items():
                if not i.waiting and M.PARENT.get(k) not in r.open: raise M.Violation(f'{r.name}: {k} still open')
                for f, es in i.who.items(): waiting |= {(e, f) for e in es}
            for k in self.keyset:
                if r.b(k).rec != self.auth.sealed.get(k): raise M.Violation(f'{r.name}: base of {k} {row(r.b(k).rec)} is not the authority\'s {row(self.auth.sealed.get(k))}')
        for ef, fate in self.led.fate.items():
            if fate is None and ef not in waiting: raise M.Violation(f'edit {ef} vanished without a fate')

    def created(self, k): return [1 for e in self.led.edits.values() if e['key'] == k and e['op'] == 'create']


def verify(h, fixes=None):
    """-> None or what differs."""
    try:
        p = Player(h, fixes).run(); p.settled(); got = final(p.auth, p.reps, p.led)
        for part in ('authority', 'replicas', 'fates'):
            if got[part] != h['end'][part]: return f'{h["name"]} end.{part}: expected {h["end"][part]}, got {got[part]}'
    except (Difference, M.Violation) as x: return f'{type(x).__name__}: {x}'
    except Exception as x: return f'{type(x).__name__} {x}'
    return None


# ---------------------------------------------------------------- which histories
DOUBTFUL = ('net_zero', 'same_row', 'child_of_error', 'loose', 'stale_repeat', 'cut_commit', 'many_conflicts', 'commit_again', 'hyd_mutation')
RESOLVERS = ('server_wins', 'client_wins', 'field_merge', 'park')


def candidates(Recorder, wires, policy, seeds):
    for seed in seeds:
        rnd = random.Random(f'{wires}{policy}{seed}')
        o = dict(wires=wires, policy=policy, steps=rnd.choice((15, 25, 25, 40, 60)), prune=rnd.random() < .4, tokens=rnd.random() < .7, limit=rnd.choice((1, 2, 3, 3)), replicas=rnd.choice((2, 2, 2, 3)),
                 keys=rnd.choice((['T'], ['T', 'T2'], ['P', 'C1'], ['P', 'C1'], ['P', 'C1', 'C2'])), erases=rnd.random() < .75, error_rate=rnd.choice((0, 0, .2)), warm=rnd.choice((None, 'device', 'foreign', 'parent')))
        if o['erases']: o['bare'] = False
        yield Recorder(seed, o).run().history('')


def pick(pool, n, seen, cell):
    """Greedy: each one adds what was seen least, short ones first."""
    out = []
    while pool and len(out) < n:
        def gain(h): return sum(1 / (1 + 4 * seen[cell, t] + seen[t]) for t in sorted(features(h), key=repr)) / (20 + len(h['steps']))
        best = max(pool, key=gain); pool.remove(best); out.append(best)
        for t in features(best): seen[cell, t] += 1; seen[t] += 1
    return out


GUARDS = {                                                       # rules that few random histories need, and where to look for those
    'rowskip': dict(wires='s', warm='device', erases=False, bare=True, keys=['T'], tokens=False),
    'provref': dict(wires='s', warm='device', erases=False, bare=True, keys=['T', 'T2']),
    'folded+echo': dict(wires='s', warm='device', keys=['T', 'T2']), 'echo': dict(wires='s', warm='foreign', keys=['T']),
    'hidden': dict(wires='s', warm='device', keys=['T']), 'pullfree': dict(wires='b', warm='foreign', keys=['T']),
    'heldtwice': dict(wires='s', warm='parent', keys=['P', 'C1'], erases=True), 'sesskill': dict(wires='b', warm='parent', keys=['P', 'C1'], erases=True),
}


def guards(Recorder, n, seeds):
    """For each of these rules the shortest histories that differ with the rule switched off."""
    out = []
    for rule, o in GUARDS.items():
        found = []
        for seed in range(seeds):
            rnd = random.Random(f'{rule}{seed}'); how = 'park' if rule == 'heldtwice' and rnd.random() < .7 else rnd.choice(RESOLVERS)
            h = Recorder(seed, dict(dict(steps=rnd.choice((15, 25, 40)), policy=(rnd.choice(('field', 'row')), how), replicas=2, limit=rnd.choice((1, 3)), prune=False, bare=False, error_rate=0), **o)).run().history('')
            if len(h['steps']) > 70 or set(h['tags']) & set(DOUBTFUL) - {'loose', 'commit_again'}: continue
            h['rule'] = rule; x = verify(h, M.ALL_FIXES - set(rule.split('+')))
            if x and ' send:' not in x: found.append(h)
        found.sort(key=lambda h: len(h['steps']))
        for i, h in enumerate(found[:n]): h['name'] = f'guard_{rule.replace("+", "_")}_{i + 1}'; out.append(h)
    return out


def features(h):
    ops = {(e['e'], e['op']) for e in h['steps'] if 'op' in e}
    fates = {x for f in h['end']['fates'].values() for x in (f.values() if isinstance(f, dict) else (f,))}
    pairs = {(a['e'], b['e']) for a, b in zip(h['steps'], h['steps'][1:]) if b['e'] != 'exchange'}
    acts = {(e.get('kind'), 'late' in e, 'dup' in e, 'idle' in e) for e in h['steps'] if e['e'] in ('deliver', 'send')}
    said = {('says', x) for e in h['steps'] if 'answer' in e for x in (e['answer'].get('kind'), *e['answer'].get('outcomes', {}).values())}
    n = {f'{len(h["replicas"])} replicas', f'limit {h["limit"]}', ' '.join(h['keys']), f'tokens {h["tokens"]}'}
    return set(h['tags']) | ops | fates | pairs | acts | said | n


def scripted():
    sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), 'histories'))
    import minimal
    return minimal.histories(sys.modules[__name__])


def export(out):
    Recorder = make_recorder(); os.makedirs(out, exist_ok=True); total = 0; seen = collections.Counter()
    def write(name, hs):
        nonlocal total; total += len(hs)
        with open(os.path.join(out, name + '.json'), 'w') as f: f.write('[\n' + ',\n'.join(json.dumps(h, separators=(',', ':')) for h in hs) + '\n]\n')
    write('minimal', scripted()); write('guards', guards(Recorder, 5, 2000)); doubtful, rehydration, long, free = [], [], [], []
    for short, wires in (('s', 'mutation'), ('b', 'bundle'), ('m', 'mixed')):
        for how in RESOLVERS:
            good = []
            for overlap in ('field', 'row'):
                pool, odd = [], []
                for h in candidates(Recorder, short, (overlap, how), range(1000)):
                    bad = set(h['tags']) & set(DOUBTFUL)
                    if not 18 <= len(h['steps']) <= 66: continue
                    (odd if bad else pool).append(h)
                for i, h in enumerate(pick(pool, 13, seen, (wires, how, overlap))): h['name'] = f'{wires}_{how}_{overlap}_{i + 1}'; good.append(h)
                for h in pick([h for h in odd if set(h['tags']) & set(DOUBTFUL) not in ({'hyd_mutation'}, {'loose'})], 2, seen, 'doubtful'): doubtful.append(h)
                rehydration += [h for h in odd if set(h['tags']) & set(DOUBTFUL) == {'hyd_mutation'}]
                free += [h for h in odd if set(h['tags']) & set(DOUBTFUL) == {'loose'}]
            write(f'{wires}-{how}', good)
        for i, how in enumerate(RESOLVERS):
            for h in (Recorder(s, dict(wires=short, policy=(('field', 'row')[i % 2], how), steps=150, tokens=True, replicas=3, bare=False, prune=short == 'b', limit=3, warm='foreign', erases=i % 2 == 0)).run().history('') for s in range(600)):
                if not set(h['tags']) & set(DOUBTFUL) and len(h['steps']) >= 100: h['name'] = f'long_{wires}_{how}'; long.append(h); break
    for i, h in enumerate(doubtful): h['name'] = f'doubtful_{i + 1}'
    write('doubtful', doubtful); write('long', long)
    for name, pool, n in (('rehydration-mutation', rehydration, 12), ('orphans', free, 20)):
        few = pick(pool, n, seen, name)
        for i, h in enumerate(few): h['name'] = f'{name.split("-")[0]}_{i + 1}'
        write(name, few)
    print(total, 'histories')


def check(n):
    bad = collections.Counter()
    for s in range(n):
        v, _ = S.attempt(s)
        if v: bad[v] += 1
    print(n, 'seeds,', sum(bad.values()), 'violations', dict(bad.most_common(5))); return not bad


def verify_all(folder):
    n, bad = 0, 0
    for f in sorted(glob.glob(os.path.join(folder, '*.json'))):
        with open(f) as x: hs = json.load(x)
        for h in hs:
            n += 1; d = verify(h)
            if d: bad += 1; print(os.path.basename(f), d)
    print(n, 'histories,', bad, 'differ'); return not bad


def main():
    p = argparse.ArgumentParser(description=__doc__.split('\n')[0]); p.add_argument('model', help='folder of model.py and sim.py')
    p.add_argument('--out'); p.add_argument('--verify'); p.add_argument('--check', type=int); a = p.parse_args(); load(a.model); good = True
    if a.check: good &= check(a.check)
    if a.out: export(a.out)
    if a.verify: good &= verify_all(a.verify)
    return 0 if good else 1


if __name__ == '__main__': sys.exit(main())
