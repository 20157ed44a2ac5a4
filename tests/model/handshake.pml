// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Handshake, fork, rollback and fencing: a board A, perhaps a board B that was given a copy of A's
// store, and a cloud. What is checked, what is left out and why: tests/model/README.md.
//
// -D NAME with one of the names in README.md takes one rule away; a named property must fail then.

#ifndef BOARDS
#define BOARDS 1  // 2: with a clone.
#endif
#ifndef CRASHES
#define CRASHES 0  // Of boards, without what was not committed.
#endif
#ifndef IMAGES
#define IMAGES 0  // Copies of A's store; an older one is forgotten.
#endif
#ifndef RESTORES
#define RESTORES 0  // The image put back on A.
#endif
#ifndef DROPS
#define DROPS 0  // Links of boards that break and come back.
#endif
#ifndef RESTARTS
#define RESTARTS 0  // Of the cloud.
#endif
#ifndef BACKUPS
#define BACKUPS 0  // Of the cloud, each restored at most once.
#endif
#ifndef LOSSES
#define LOSSES 0  // Frames from a board; those to a board are lost whenever one is there already.
#endif
#ifndef DUPS
#define DUPS 0  // Frames from a board that come again, after those behind them.
#endif
#ifndef LATE
#define LATE 0  // Probes of a board that is there and whose answers all came too late.
#endif
#ifndef OPERATOR
#define OPERATOR 0  // An operator lets the next claimant in.
#endif
#ifndef PROMISES
#define PROMISES 1  // Control rows, renumbered ones included; at most 8.
#endif
#ifndef STATES
#define STATES 0  // Reported rows, sent before they are committed.
#endif
#ifndef WISHES
#define WISHES 0  // Desired rows.
#endif
#ifndef RESERVE
#define RESERVE 2
#endif
#define UP 2
#define INCS (BOARDS + CRASHES + RESTORES + 3)
#define CINCS (RESTARTS + BACKUPS + 3)

// --- Names of the properties. Never set: they only make SPIN's message name the property. ---
bit I8_one_branch_an_epoch, I7_stale_delta_changes_nothing, I7_stale_hello_changes_nothing;
bit I5_dot_names_one_value, I6_seq_is_never_published_twice, D_rollback_is_detected;
bit D_nothing_is_lost_in_silence, G_crash_is_no_rollback, H_who_answers_keeps_the_place;
bit E_epoch_is_never_issued_twice, E_epochs_ascend, S_given_up_branch_stays_out;
bit O_operator_is_obeyed, F_ends_live_or_fenced;
#define HOLDS(name, condition) assert((condition) || name)

// --- Lineages. An opening never changes what was before it, so that a lineage is its last inc. ---
byte incs, par[INCS], plim[INCS], pkept[INCS];  // The opening before: its limit and what it kept.
byte cincs, cpar[CINCS], cplim[CINCS];          // The same of the cloud.
byte sessions, tokens, rows, row_seq[8];        // row_seq: of each promised row.
byte heirs[8];          // Ghost: the rows that are this one, told again under a later seq.
byte published[INCS];  // Ghost: the highest seq sent under an inc.
byte durable[INCS];    // Ghost: the promised rows that an opening had on flash.

#define Bit(i) (1 << (i))

typedef Store {
  byte inc, limit, ctl, has, ec, et, floor, held, kc, orphan;
  byte pub;  // Ghost: the highest seq that this store, or what it is a copy of, ever sent.
  bit touched;  // Ghost: it was put back or copied.
}
mtype = { kDown, kHello, kLive, kFenced };
typedef Ram {
  mtype st;
  byte sess, head, ctl, sta, has, ec, et, floor, held, kc, orphan, from, sent_ctl, sent_sta;
  bit was_live, asked, setback;  // setback: not committed yet, nothing may be sent.
}
Store disk[BOARDS];
Ram ram[BOARDS];
Store image;
bit imaged;

typedef Hello {
  byte board, sess, inc, limit, kept, ec, et, held, cinc, orphan;
}
typedef Cloud {
  byte kinc, super, ec, et, wc, ws, floor, common, has, inc, head;
  byte setback_ec, told;  // Who has not heard of this epoch shares `told` at most; 0: no setback.
  bit next;        // Admission.
  byte gone;       // Ghost: what `super` should keep out, by inc.
  byte acc, acce;  // Ghost: whose delta was taken last, and in which epoch.
  bit lost;        // Ghost: it was restored.
}
Cloud cloud, backup;
bit backed_up;
byte csess, cboard;               // Of the one who is connected.
byte told;                        // Of the wishes, up to here was sent.
bit claiming;
Hello claim;
byte claim_verdict, claim_common;
bit late_probe;                   // Ghost.

mtype = { hello, delta, answer, bye, welcome, fenced, unknown, probe, desired };
// Kind, board, session, inc, then what the sender says.
chan up = [UP] of { mtype, byte, byte, byte, byte, byte, byte, byte, byte, byte, byte };
// Kind, session, then what the cloud says.
chan down[BOARDS] = [1] of { mtype, byte, byte, byte, byte, byte, byte, byte, byte, byte, byte };

byte crashes, images, restores, drops, restarts, losses, dups, lates, operators, states, wishes;
byte backups, writes;
bit faults_over;

// --- Scratch, the same in every state. ---
hidden byte i, j, k, m, v;
hidden byte common, ret;
hidden byte holds, found, lost_ours;

// found: `inc` is in the lineage that ends with `top`.
inline Contains(top, what) {
  found = 0;
  i = top;
  do
  :: i == 0 || found -> break
  :: else -> if :: i == what -> found = 1 :: else -> i = par[i] fi
  od
}

// found: model::Gave for the cloud's lineage.
inline CloudGave(top, newest, what, seq) {
  found = 0;
  i = top;
  j = newest;
  do
  :: i == 0 -> break
  :: i != 0 && i == what -> found = (seq <= j); break
  :: else -> j = cplim[i]; i = cpar[i]
  od
}

// v: model::IncOf for the cloud's lineage.
inline CloudIncOf(top, seq) {
  v = top;
  do
  :: v == 0 || seq > cplim[v] -> break
  :: else -> v = cpar[v]
  od
}

#define Max(a, b) ((a) > (b) -> (a) : (b))
#define Min(a, b) ((a) < (b) -> (a) : (b))

inline ClearDown(b) {
  do
  :: nempty(down[b]) -> down[b]?_,_,_,_,_,_,_,_,_,_,_
  :: empty(down[b]) -> break
  od;
  skip  // A d_step may not end with a loop.
}

// A board's daemon opens its store (TwinStore::DrawIncarnation, EdgeEngine's constructor).
inline Open(b) {
#ifdef NO_INC_DRAW
  if
  :: disk[b].inc == 0 ->
#endif
  incs++;
  par[incs] = disk[b].inc;
  plim[incs] = disk[b].limit;
  pkept[incs] = Max(disk[b].ctl, disk[b].floor);
  disk[b].inc = incs;
#ifdef NO_INC_DRAW
  :: else
  fi;
#endif
  durable[disk[b].inc] = durable[disk[b].inc] | disk[b].has;
  ram[b].head = Max(disk[b].limit, disk[b].floor);
  printf("board %d: opening %d, after %d, which kept %d\n", b, disk[b].inc, par[disk[b].inc],
         pkept[disk[b].inc]);
  disk[b].limit = ram[b].head + RESERVE;
  ram[b].ctl = disk[b].ctl;
  ram[b].sta = 0;
  ram[b].has = disk[b].has;
  ram[b].ec = disk[b].ec;
  ram[b].et = disk[b].et;
  ram[b].floor = disk[b].floor;
  ram[b].held = disk[b].held;
  ram[b].kc = disk[b].kc;
  ram[b].orphan = disk[b].orphan;
  ram[b].was_live = 0;
  ram[b].setback = 0;
  NewSession(b)
}

// A session is one Hello and what follows from it, so that a frame of the one before is no frame of
// this one.
inline NewSession(b) {
  sessions++;
  ram[b].sess = sessions;
  BeginHello(b)
}

#ifdef OLD_SESSION
#define Greet(b) BeginHello(b)
#else
#define Greet(b) NewSession(b)
#endif

inline BeginHello(b) {
  ram[b].st = kHello;
  ram[b].asked = 0;
  ram[b].from = 0;
  ram[b].sent_ctl = 0;
  ram[b].sent_sta = 0
}

inline PowerOff(b) {
  printf("board %d: power off\n", b);
  ram[b].st = kDown;
  ram[b].sess = 0;
  ram[b].head = 0;
  ram[b].ctl = 0;
  ram[b].sta = 0;
  ram[b].has = 0;
  ram[b].ec = 0;
  ram[b].et = 0;
  ram[b].floor = 0;
  ram[b].held = 0;
  ram[b].kc = 0;
  ram[b].orphan = 0;
  ram[b].from = 0;
  ram[b].sent_ctl = 0;
  ram[b].sent_sta = 0;
  ram[b].was_live = 0;
  ram[b].asked = 0;
  ram[b].setback = 0;
  ClearDown(b)
}

inline CopyStore(to, source) {
  to.inc = source.inc;
  to.limit = source.limit;
  to.ctl = source.ctl;
  to.has = source.has;
  to.ec = source.ec;
  to.et = source.et;
  to.floor = source.floor;
  to.held = source.held;
  to.kc = source.kc;
  to.orphan = source.orphan;
  to.pub = source.pub;
  to.touched = source.touched
}

// EdgeEngine::MakeHello.
inline SendHello(b) {
  CloudIncOf(ram[b].kc, disk[b].held);
  if
  :: ram[b].was_live -> k = Max(disk[b].ctl, ram[b].floor)
  :: else -> k = pkept[disk[b].inc]
  fi;
  up!hello, b, ram[b].sess, disk[b].inc, disk[b].limit, k, ram[b].ec, ram[b].et, disk[b].held,
      (disk[b].held == 0 -> 0 : v), ram[b].orphan;
  printf("board %d: Hello session %d opening %d kept %d epoch %d.%d held %d orphan %d\n", b,
         ram[b].sess, disk[b].inc, k, ram[b].ec, ram[b].et, disk[b].held, ram[b].orphan);
  ram[b].asked = 1
}

// What the sender says of one stream has everything current above `from`; see README.md.
inline SendDelta(b, whole) {
  // Only what is durable is promised; reported rows only need a durable limit.
#ifdef NO_RESERVATION
  k = ram[b].sta;
#else
  k = (ram[b].sta <= disk[b].limit -> ram[b].sta : ram[b].sent_sta);
#endif
  ret = 0;
  m = 0;
  do
  :: m < rows ->
     if
     :: (disk[b].has & Bit(m)) && row_seq[m] > ram[b].from -> ret = ret | Bit(m)
     :: else
     fi;
     m++
  :: else -> break
  od;
  m = Max(disk[b].ctl, ram[b].from);
#ifdef SPLIT
  if
  :: !whole ->  // Up to the first row that was not sent yet.
     j = 0;
     do
     :: j < rows ->
        if
        :: (disk[b].has & Bit(j)) && row_seq[j] > ram[b].sent_ctl && row_seq[j] < m ->
           m = row_seq[j]
        :: else
        fi;
        j++
     :: else -> break
     od;
     j = 0;
     do
     :: j < rows ->
        if
        :: row_seq[j] > m -> ret = ret & (255 - Bit(j))
        :: else
        fi;
        j++
     :: else -> break
     od
  :: else
  fi;
  j = 0;
#endif
  v = Max(m, k);
  if
  :: v > disk[b].pub -> disk[b].pub = v
  :: else
  fi;
  if
  :: v > published[disk[b].inc] -> published[disk[b].inc] = v
  :: else
  fi;
  up!delta, b, ram[b].sess, disk[b].inc, m, k, ret, disk[b].has, ram[b].et, 0, 0;
  printf("board %d: Delta session %d control to %d state to %d rows %d\n", b, ram[b].sess, m, k,
         ret);
  ram[b].sent_ctl = m;
  ram[b].sent_sta = k
}

#define Fresh(b) \
  HOLDS(I6_seq_is_never_published_twice, ram[b].head > disk[b].pub); \
  HOLDS(I5_dot_names_one_value, ram[b].head > published[disk[b].inc])

inline Promise(b) {
  assert(rows < 8);  // Else the bounds were chosen too large for the masks.
  ram[b].head++;
  Fresh(b);
  printf("board %d: promises row %d, seq %d\n", b, rows, ram[b].head);
  row_seq[rows] = ram[b].head;
  ram[b].has = ram[b].has | Bit(rows);
  ram[b].ctl = ram[b].head;
  rows++
}

inline Report(b) {
  ram[b].head++;
  printf("board %d: reports seq %d\n", b, ram[b].head);
  Fresh(b);
  ram[b].sta = ram[b].head
}

#define Dirty(b) (disk[b].ctl != ram[b].ctl || disk[b].has != ram[b].has || \
  disk[b].et != ram[b].et || disk[b].floor != ram[b].floor || disk[b].held != ram[b].held || \
  disk[b].kc != ram[b].kc || disk[b].orphan != ram[b].orphan || ram[b].head > disk[b].limit)

inline Commit(b) {
  printf("board %d: commits\n", b);
  disk[b].ctl = ram[b].ctl;
  disk[b].has = ram[b].has;
  durable[disk[b].inc] = durable[disk[b].inc] | disk[b].has;
  disk[b].ec = ram[b].ec;
  disk[b].et = ram[b].et;
  disk[b].floor = ram[b].floor;
  disk[b].held = ram[b].held;
  disk[b].kc = ram[b].kc;
  disk[b].orphan = ram[b].orphan;
  ram[b].setback = 0;
  if
  :: ram[b].head > disk[b].limit -> disk[b].limit = ram[b].head + RESERVE
  :: else
  fi
}

// EdgeEngine::TakeSetback: what came back stands; what only this store has is told anew.
inline TakeSetback(b, wfloor, wcommon, back) {
  printf("board %d: hears that it was set back: floor %d, common %d, returned %d\n", b, wfloor,
         wcommon, back);
  ram[b].floor = wfloor;
  ram[b].setback = 1;
#ifndef NO_FLOOR
  ram[b].head = Max(ram[b].head, wfloor);
#endif
  k = ram[b].has;
  m = 0;
  ram[b].has = ram[b].has | back;
#ifndef NO_FLOOR
  do
  :: m < 8 ->
     if
     :: (k & Bit(m)) && !(back & (Bit(m) | heirs[m])) && row_seq[m] > wcommon &&
        row_seq[m] <= wfloor ->
        ram[b].has = ram[b].has & (255 - Bit(m));
        j = 0;
        do
        :: j < 8 ->
           if
           :: j == m || (heirs[j] & Bit(m)) -> heirs[j] = heirs[j] | Bit(rows)
           :: else
           fi;
           j++
        :: else -> break
        od;
        Promise(b)
     :: else
     fi;
     m++
  :: else -> break
  od;
  if
  :: ram[b].sta != 0 && ram[b].sta <= wfloor -> Report(b)
  :: else
  fi;
#endif
  m = 0;
  k = 0
}

// EdgeEngine::FollowRestoredCloud; the old one is gone for long (two_clouds.pml has both).
inline Follow(b, winc, whead) {
  CloudCommon(ram[b].kc, ram[b].held, winc, whead);
  if
  :: ram[b].held > common && ram[b].held > ram[b].orphan -> ram[b].orphan = ram[b].held
  :: else
  fi;
  ram[b].held = common;
  ram[b].kc = winc;
  printf("board %d: follows a restored cloud from %d on\n", b, common);
  common = 0;
  Greet(b)
}

// common: CommonSeq in edge_session.cc.
inline CloudCommon(ours, cursor, theirs, their_head) {
  common = 0;
  i = ours;
  k = cursor;  // What is held of opening i, at most.
  do
  :: i == 0 -> break
  :: else ->
     j = theirs;
     m = their_head;
     do
     :: j == 0 || j == i -> break
     :: else -> m = cplim[j]; j = cpar[j]
     od;
     if
     :: j != 0 -> common = Min(k, m); break
     :: else -> k = Min(cursor, cplim[i]); i = cpar[i]
     fi
  od;
  i = 0;
  j = 0;
  k = 0;
  m = 0
}

inline TakeWelcome(b, winc, whead, wc, ws, wec, wet, wfloor, wcommon, back) {
  CloudIncOf(ram[b].kc, ram[b].held);
  CloudGave(winc, whead, v, ram[b].held);
  if
  :: ram[b].held != 0 && !found -> Follow(b, winc, whead)
  :: else ->
     HOLDS(E_epochs_ascend, wec > ram[b].ec || (wec == ram[b].ec && wet == ram[b].et));
     ram[b].ec = wec;
     ram[b].et = wet;
     ram[b].kc = winc;
     printf("board %d: live in epoch %d.%d, cloud has control %d state %d\n", b, wec, wet, wc, ws);
     ram[b].st = kLive;
     ram[b].was_live = 1;
     ram[b].from = wc;
     ram[b].sent_ctl = wc;
     ram[b].sent_sta = ws;
     if
     :: wfloor > ram[b].floor -> TakeSetback(b, wfloor, wcommon, back)
     :: else -> ram[b].has = ram[b].has | back
     fi
  fi;
  v = 0;
  found = 0;
  i = 0;
  j = 0
}

#ifdef NO_RETRY
#define MayAskAgain(b) false
#else
#define MayAskAgain(b) \
  (empty(up) && empty(down[b]) && !(claiming && claim.sess == ram[b].sess))
#endif
#define CanHello(b) (ram[b].st == kHello && nfull(up) && \
  (!ram[b].asked || MayAskAgain(b)))
#define CanDelta(b) (ram[b].st == kLive && !ram[b].setback && nfull(up) && \
  (disk[b].ctl > ram[b].sent_ctl || (ram[b].sta > ram[b].sent_sta && MaySend(b))))
#ifdef NO_RESERVATION
#define MaySend(b) true
#else
#define MaySend(b) (ram[b].sta <= disk[b].limit)
#endif

proctype Board(byte b) {
  byte sess, f1, f2, f3, f4, f5, f6, f7, f8, f9;
end:
  do
  :: d_step {
       ram[b].st != kDown && disk[b].inc != 0 && writes < PROMISES ->
       writes++;
       Promise(b)
     }
  :: d_step { ram[b].st != kDown && states < STATES -> states++; Report(b) }
  :: d_step { ram[b].st != kDown && Dirty(b) -> Commit(b) }
  :: d_step { CanHello(b) -> SendHello(b); k = 0; v = 0 }
  :: d_step { CanDelta(b) -> SendDelta(b, true); k = 0; v = 0; m = 0; ret = 0 }
#ifdef SPLIT
  :: d_step { CanDelta(b) -> SendDelta(b, false); k = 0; v = 0; m = 0; ret = 0 }
#endif
  :: d_step {
       down[b]?welcome, sess, f1, f2, f3, f4, f5, f6, f7, f8, f9 ->
       if
       :: ram[b].st == kHello && sess == ram[b].sess ->
          TakeWelcome(b, f1, f2, f3, f4, f5, f6, f7, f8, f9)
       :: else
       fi;
       sess = 0; f1 = 0; f2 = 0; f3 = 0; f4 = 0; f5 = 0; f6 = 0; f7 = 0; f8 = 0; f9 = 0
     }
  :: d_step {
       down[b]?fenced, sess, _, _, _, _, _, _, _, _, _ ->
       if
       :: sess == ram[b].sess && ram[b].st != kDown ->
          printf("board %d: fenced\n", b);
          ram[b].st = kFenced;
          ram[b].asked = 0
       :: else
       fi;
       sess = 0
     }
  :: d_step {
       down[b]?unknown, sess, _, _, _, _, _, _, _, _, _ ->
       if
       :: ram[b].st == kDown
       :: ram[b].st != kDown && (sess == 0 || (sess == ram[b].sess && ram[b].st != kHello)) ->
          Greet(b)
       :: else
       fi;
       sess = 0
     }
  :: d_step {
       nfull(up) && down[b]?[probe, _, _, _, _, _, _, _, _, _, _] ->
       down[b]?probe, sess, f1, _, _, _, _, _, _, _, _;
       if
       :: ram[b].st == kLive && sess == ram[b].sess ->
          printf("board %d: answers the probe\n", b);
          up!answer, b, sess, f1, 0, 0, 0, 0, 0, 0, 0
       :: else
       fi;
       sess = 0;
       f1 = 0
     }
  :: d_step {
       down[b]?desired, sess, f1, f2, _, _, _, _, _, _, _ ->
       if
       :: ram[b].st == kLive && sess == ram[b].sess && f1 <= ram[b].held && f2 > ram[b].held ->
          ram[b].held = f2;
          if
          :: f2 > ram[b].orphan -> ram[b].orphan = 0
          :: else
          fi
       :: else
       fi;
       sess = 0;
       f1 = 0;
       f2 = 0
     }
  od
}

// --- The cloud. Each step is durable when it is taken: nothing leaves the real one before. ---

// A frame to a board that it has not read yet is lost; one of a session that is over has no reader.
inline Send(to, what, p0, p1, p2, p3, p4, p5, p6, p7, p8, p9) {
  if
  :: p0 != 0 && p0 != ram[to].sess
  :: p0 == 0 || p0 == ram[to].sess ->
     if
     :: full(down[to]) -> down[to]?_,_,_,_,_,_,_,_,_,_,_
     :: nfull(down[to])
     fi;
     down[to]!what, p0, p1, p2, p3, p4, p5, p6, p7, p8, p9
  fi
}

mtype = { kFirst, kSame, kContinues, kRestored, kRefused };

// v, common: Classify in classify.cc.
inline Classify(h) {
  common = 0;
  Contains(h.inc, cloud.kinc);
  holds = found;
  if
  :: cloud.kinc == 0 -> v = kFirst
  :: else ->
     Known(h);
     if
     :: v == kRefused
     :: else -> Standing(h)
     fi
  fi;
  i = 0;
  j = 0;
  k = 0;
  m = 0;
  found = 0;
  holds = 0
}

// v: kRefused, or kFirst for not.
inline Known(h) {
  v = kFirst;
  if
  :: !cloud.next || h.inc == cloud.kinc ->
#ifndef NO_SUPERSEDED
#ifdef SUPERSEDED_BY_OPENING
     if :: cloud.super & Bit(h.inc) -> v = kRefused :: else fi;
#else
     i = h.inc;
     do
     :: i == 0 -> break
     :: else -> if :: cloud.super & Bit(i) -> v = kRefused :: else fi; i = par[i]
     od;
#endif
#endif
     Contains(cloud.kinc, h.inc);
     if
     :: h.inc != cloud.kinc && found -> v = kRefused
     :: else
     fi;
#ifndef NO_STALE
     if
     :: h.ec != 0 && !holds && h.ec < cloud.ec -> v = kRefused
#ifndef NO_TOKEN
     :: h.ec != 0 && !holds && h.ec == cloud.ec && h.et != cloud.et -> v = kRefused
#endif
     :: else
     fi
#endif
  :: else
  fi
}

#ifdef LATE_HELLO
#define Reopened(h) true
#else
#define Reopened(h) (h.inc != cloud.kinc)
#endif
#ifdef UNHEARD_SETBACK
#define Unheard(h) false
#else
#define Unheard(h) (cloud.floor == 0 && h.ec < cloud.setback_ec)
#endif
inline Standing(h) {
  // CommonSeq: j is what h kept of its opening i.
  common = 0;
  i = h.inc;
  j = h.kept;
  do
  :: i == 0 -> break
  :: else ->
     k = cloud.kinc;
     m = 255;  // The limit of our opening k; of the newest it has grown.
     do
     :: k == 0 || k == i -> break
     :: else -> m = plim[k]; k = par[k]
     od;
     if
     :: k != 0 -> common = Min(j, m); break
     :: else -> j = pkept[i]; i = par[i]
     fi
  od;
  if
#ifdef OLD_COMMON
  :: cloud.floor != 0 -> common = Min(common, cloud.common)
#else
  :: cloud.floor != 0 || h.ec < cloud.setback_ec -> common = Min(common, cloud.told)
#endif
  :: else
  fi;
  // Of the newest opening that we know: j what the store kept of it, k its limit.
  i = h.inc;
  j = h.kept;
  k = h.limit;
  do
  :: i == 0 || i == cloud.kinc -> break
  :: else -> j = pkept[i]; k = plim[i]; i = par[i]
  od;
  m = (h.inc == cloud.kinc -> cloud.floor : 0);
  if
#ifndef LATE_HELLO
  :: h.inc == cloud.kinc -> v = kSame  // Still running: it can't have been set back.
#endif
#ifdef NO_ANCESTOR
  :: i == 0 -> v = kContinues
#else
  :: i == 0 -> v = kRestored
#endif
#ifndef NO_KEPT
  :: i != 0 && Reopened(h) &&
     (cloud.wc > Max(j, m) || cloud.ws > Max(k, m) || Unheard(h)) -> v = kRestored
#endif
  :: else -> v = (h.inc == cloud.kinc -> kSame : kContinues)
  fi
}

inline DrawEpoch(h) {
#ifdef NO_COUNTER
  cloud.ec = cloud.ec + 1;
#else
  cloud.ec = Max(cloud.ec, h.ec) + 1;
#endif
  tokens++;
  cloud.et = tokens
#ifdef NO_TOKEN
  ;HOLDS(E_epoch_is_never_issued_twice, !(counters & Bit(cloud.ec)));
  counters = counters | Bit(cloud.ec)
#endif
}
#ifdef NO_TOKEN
short counters;  // Ghost: those of the epochs that were ever issued.
#endif

inline SetBack(h) {
  i = cloud.kinc;
  do
  :: i == 0 -> break
  :: else ->
     k = i;
     m = par[i];
     Contains(h.inc, k);
     if
     :: !found -> cloud.super = cloud.super | Bit(k); cloud.gone = cloud.gone | Bit(k)
     :: else
     fi;
     i = m
  od;
  i = h.inc;
  do
  :: i == 0 -> break
  :: else ->
     cloud.super = cloud.super & (255 - Bit(i));
     cloud.gone = cloud.gone & (255 - Bit(i));
     i = par[i]
  od;
  cloud.common = common;
  printf("cloud: set back, common %d, given up %d\n", common, cloud.super);
  cloud.floor = Max(cloud.floor, Max(cloud.wc, cloud.ws));
  // What lies above is told again under later seqs: these say nothing of it from now on.
  cloud.told = Min(common, (cloud.setback_ec == 0 -> cloud.wc : Min(cloud.told, cloud.wc)));
  m = 0;
  k = 0;
  found = 0
}

// CloudSession::Admit and the Welcome that follows. v, common: the verdict.
inline Admit(h) {
  // G: only what was put back, copied, or told by another cloud can be taken for a store set back.
  printf("cloud: admits board %d opening %d as %e\n", h.board, h.inc, v);
  HOLDS(G_crash_is_no_rollback, v != kRestored || disk[h.board].touched || cloud.lost);
  // I7: a claimant with a stale epoch is only one that missed a Welcome.
  Contains(h.inc, cloud.kinc);
  HOLDS(I7_stale_hello_changes_nothing, found || h.ec == 0 || h.ec > cloud.ec ||
        h.et == cloud.et || cloud.next);
  k = 0;
  i = h.inc;
  do
  :: i == 0 -> break
  :: else -> k = k | Bit(i); i = par[i]
  od;
  HOLDS(S_given_up_branch_stays_out, !(k & cloud.gone) || cloud.next);
  HOLDS(H_who_answers_keeps_the_place, csess == 0 || h.inc == cloud.kinc || late_probe ||
        ram[cboard].st != kLive || ram[cboard].sess != csess || cloud.next);
  CloudGave(cloud.inc, cloud.head, h.cinc, h.held);
  lost_ours = (h.orphan != 0 || (h.cinc != 0 && !found));
  m = (h.cinc != 0 && found -> h.held : 0);
  told = m;
  if
  :: v == kRestored -> SetBack(h)
  :: else
  fi;
  if
  :: cloud.ec == 0 || h.ec > cloud.ec || v == kRestored ||
     (lost_ours && h.ec == cloud.ec && h.et == cloud.et) ->
     DrawEpoch(h);
     if
     :: v == kRestored && cloud.floor != 0 -> cloud.setback_ec = cloud.ec
     :: else
     fi
  :: else
  fi;
#ifdef ADMISSION_BY_ANYONE
  HOLDS(O_operator_is_obeyed, !cloud.next || h.inc != cloud.kinc);
  cloud.next = 0;
#else
  if
  :: h.inc != cloud.kinc -> cloud.next = 0
  :: else
  fi;
#endif
  cloud.kinc = h.inc;
  csess = h.sess;
  cboard = h.board;
  late_probe = 0;
  if
  :: h.orphan != 0 -> cloud.head = Max(cloud.head, h.orphan + 1)  // TakeLostSeqs, and the offer.
  :: else
  fi;
  ret = 0;
  common = 0;
  if
  :: cloud.floor != 0 ->
     common = Min(cloud.wc, Min(cloud.common, h.kept));
     m = 0;
     do
     :: m < rows ->
        if
        :: (cloud.has & Bit(m)) && row_seq[m] > cloud.common -> ret = ret | Bit(m)
        :: else
        fi;
        m++
     :: else -> break
     od
  :: else
  fi;
  Send(h.board, welcome, h.sess, cloud.inc, cloud.head, cloud.wc, cloud.ws, cloud.ec, cloud.et,
       cloud.floor, common, ret);
  i = 0; j = 0; k = 0; m = 0; v = 0; common = 0; ret = 0; found = 0; lost_ours = 0
}

inline Fence(h) {
  printf("cloud: refuses board %d opening %d\n", h.board, h.inc);
  Send(h.board, fenced, h.sess, 0, 0, 0, 0, 0, 0, 0, 0, 0);
  v = 0;
  common = 0
}

inline ForgetClaim() {
  claiming = 0;
  claim.board = 0; claim.sess = 0; claim.inc = 0; claim.limit = 0; claim.kept = 0; claim.ec = 0;
  claim.et = 0; claim.held = 0; claim.cinc = 0; claim.orphan = 0;
  claim_verdict = 0;
  claim_common = 0
}

inline KeepClaim(h) {
  printf("cloud: board %d opening %d claims the place of board %d\n", h.board, h.inc, cboard);
  claiming = 1;
  claim.board = h.board; claim.sess = h.sess; claim.inc = h.inc; claim.limit = h.limit;
  claim.kept = h.kept; claim.ec = h.ec; claim.et = h.et; claim.held = h.held; claim.cinc = h.cinc;
  claim.orphan = h.orphan
#ifdef OLD_VERDICT
  ; claim_verdict = v;
  claim_common = common
#endif
}

// The one who was asked said nothing, or has left.
inline AdmitClaim() {
#ifdef OLD_VERDICT
  v = claim_verdict;
  common = claim_common;
#else
  Classify(claim);
#endif
  if
  :: v == kRefused -> Fence(claim)
  :: else -> Admit(claim)
  fi;
  ForgetClaim()
}

inline OnHello(h) {
  if
  :: claiming && claim.sess == h.sess && claim.inc == h.inc  // The same again.
  :: else ->
     Classify(h);
     if
     :: v == kRefused -> Fence(h)
#ifndef NO_PROBE
     :: v != kRefused && csess != 0 && cloud.kinc != h.inc && !cloud.next ->
        if
        :: !claiming -> KeepClaim(h)
        :: else  // Busy.
        fi;
        v = 0;
        common = 0
#endif
     :: else ->
        if
        :: claiming && csess != 0 && cloud.kinc == h.inc ->
           // Perhaps an old Hello of one that is gone: the claimant asks again, and so do we.
#ifdef HELLO_AS_ANSWER
           k = v;
           m = common;
           Fence(claim);
           v = k;
           common = m;
#endif
           ForgetClaim()
        :: else
        fi;
        Admit(h)
     fi
  fi
}

inline OnDelta(from_sess, from_inc, to_ctl, to_sta, given, holding, under) {
  if
  :: from_sess == csess && csess != 0 ->
     printf("cloud: takes control to %d state to %d rows %d from opening %d in epoch %d.%d\n",
            to_ctl, to_sta, given, from_inc, cloud.ec, cloud.et);
     HOLDS(I7_stale_delta_changes_nothing, under == cloud.et);
     Contains(from_inc, cloud.acc);
     HOLDS(I8_one_branch_an_epoch, cloud.acce != cloud.et || found);
     HOLDS(D_rollback_is_detected, (cloud.has & (255 - durable[from_inc])) == 0);
     cloud.has = cloud.has | given;
     m = 0;
     do
     :: m < rows ->
        HOLDS(D_nothing_is_lost_in_silence,
              !(holding & Bit(m)) || row_seq[m] > to_ctl ||
              (cloud.has & (Bit(m) | heirs[m])));
        m++
     :: else -> break
     od;
     cloud.acc = from_inc;
     cloud.acce = cloud.et;
     cloud.wc = Max(cloud.wc, to_ctl);
     cloud.ws = Max(cloud.ws, to_sta);
     if
     :: cloud.floor != 0 && Max(cloud.wc, cloud.ws) > cloud.floor ->
        cloud.floor = 0;
        cloud.common = 0
     :: else
     fi;
     i = 0;
     m = 0;
     found = 0
  :: else
  fi
}

inline ClearHello(h) {
  h.board = 0; h.sess = 0; h.inc = 0; h.limit = 0; h.kept = 0; h.ec = 0; h.et = 0; h.held = 0;
  h.cinc = 0; h.orphan = 0
}

#define Incumbent (ram[cboard].st == kLive && ram[cboard].sess == csess)

proctype Cloud_() {
  Hello h;
end:
  do
  :: d_step {
       up?hello, h.board, h.sess, h.inc, h.limit, h.kept, h.ec, h.et, h.held, h.cinc, h.orphan ->
       OnHello(h);
       ClearHello(h)
     }
  :: d_step {
       up?delta, h.board, h.sess, h.inc, h.limit, h.kept, h.ec, h.et, h.held, _, _ ->
       if
       :: h.sess != csess -> Send(h.board, unknown, h.sess, 0, 0, 0, 0, 0, 0, 0, 0, 0)
       :: else -> OnDelta(h.sess, h.inc, h.limit, h.kept, h.ec, h.et, h.held)
       fi;
       ClearHello(h)
     }
  :: d_step {
       up?answer, h.board, h.sess, h.inc, _, _, _, _, _, _, _ ->
       if
       :: claiming && h.sess == csess && h.inc == claim.sess ->  // The nonce.
          Fence(claim);
          ForgetClaim()
       :: else
       fi;
       ClearHello(h)
     }
  :: d_step {
       up?bye, h.board, h.sess, _, _, _, _, _, _, _, _ ->
       if
       :: csess == h.sess ->
          csess = 0;
          cboard = 0;
          told = 0;
          if
          :: claiming -> AdmitClaim()
          :: else
          fi
       :: else
       fi;
       ClearHello(h)
     }
  :: d_step {
       claiming && csess != 0 && Incumbent && empty(down[cboard]) && empty(up) ->
       printf("cloud: probes board %d\n", cboard);
       down[cboard]!probe, csess, claim.sess, 0, 0, 0, 0, 0, 0, 0, 0
     }
  :: d_step { claiming && (csess == 0 || !Incumbent) -> AdmitClaim() }
  :: d_step {
       claiming && csess != 0 && Incumbent && lates < LATE -> 
       printf("cloud: no answer in time\n");
       lates++;
       late_probe = 1;
       AdmitClaim()
     }
  :: d_step { csess != 0 && cloud.head > told && empty(down[cboard]) ->
       down[cboard]!desired, csess, told, cloud.head, 0, 0, 0, 0, 0, 0, 0;
       told = cloud.head
     }
  :: d_step { wishes < WISHES -> wishes++; cloud.head++ }
  od
}

inline CopyCloud(to, source) {
  to.kinc = source.kinc; to.setback_ec = source.setback_ec; to.told = source.told;
  to.super = source.super; to.ec = source.ec;
  to.et = source.et; to.wc = source.wc; to.ws = source.ws; to.floor = source.floor;
  to.common = source.common; to.has = source.has; to.inc = source.inc; to.head = source.head;
  to.next = source.next; to.gone = source.gone; to.acc = source.acc; to.acce = source.acce
}

inline OpenCloud() {
  printf("cloud: opens\n");
  cincs++;
  cpar[cincs] = cloud.inc;
  cplim[cincs] = cloud.head;
  cloud.inc = cincs;
  csess = 0;
  cboard = 0;
  told = 0;
  late_probe = 0;
  ForgetClaim()
}

proctype Faults() {
  // A frame that comes once more, when nobody expects it any longer.
  mtype kind;
  byte kept[10];
end:
  do
  :: d_step {
       crashes < CRASHES && ram[0].st != kDown -> crashes++; PowerOff(0)
     }
  :: d_step { ram[0].st == kDown -> Open(0) }
#if BOARDS > 1
  :: d_step {
       crashes < CRASHES && ram[1].st != kDown -> crashes++; PowerOff(1)
     }
  :: d_step { ram[1].st == kDown && disk[1].inc != 0 -> Open(1) }
  :: d_step {
       ram[1].st == kDown && disk[1].inc == 0 && imaged ->
       printf("board 1 gets the image\n");
       CopyStore(disk[1], image);
       disk[1].touched = 1;
       disk[0].touched = 1;
       image.touched = 1;
       Open(1)
     }
#endif
  :: d_step {
       images < IMAGES && disk[0].inc != 0 -> 
       printf("image of board 0\n");
       images++;
       imaged = 1;
       CopyStore(image, disk[0])
     }
  :: d_step {
       restores < RESTORES && imaged ->
       printf("board 0 gets the image back\n");
       restores++;
       PowerOff(0);
       CopyStore(disk[0], image);
       disk[0].touched = 1;
       Open(0)
     }
  :: d_step {
       drops < DROPS && ram[0].st != kDown && ram[0].st != kHello ->
       printf("board 0: link breaks and comes back\n");
       drops++;
       if
       :: nfull(up) -> up!bye, 0, ram[0].sess, 0, 0, 0, 0, 0, 0, 0, 0
       :: full(up)
       fi;
       ClearDown(0);
       NewSession(0)
     }
  :: d_step { restarts < RESTARTS -> restarts++; OpenCloud() }
  :: d_step {
       backups < BACKUPS && !backed_up && cloud.kinc != 0 ->
       backed_up = 1;
       printf("cloud: backup\n");
       CopyCloud(backup, cloud)
     }
  :: d_step {
       backed_up && backups < BACKUPS ->
       backups++;
       printf("cloud: restored from the backup\n");
       CopyCloud(cloud, backup);
       cloud.lost = 1;
       backed_up = 0;
       OpenCloud()
     }
  :: faults_over = 1; break
  :: d_step { losses < LOSSES && nempty(up) -> 
       printf("a frame is lost\n");
       losses++;
       up?_,_,_,_,_,_,_,_,_,_,_ }
  :: d_step {
       dups < DUPS && kind == 0 && nempty(up) ->
       printf("a frame will come again\n");
       dups++;
       up?<kind, kept[0], kept[1], kept[2], kept[3], kept[4], kept[5], kept[6], kept[7], kept[8],
           kept[9]>
     }
  :: d_step {
       kind != 0 && nfull(up) ->
       printf("it comes again: %e\n", kind);
       up!kind, kept[0], kept[1], kept[2], kept[3], kept[4], kept[5], kept[6], kept[7], kept[8],
          kept[9];
       kind = 0; kept[0] = 0; kept[1] = 0; kept[2] = 0; kept[3] = 0; kept[4] = 0; kept[5] = 0;
       kept[6] = 0; kept[7] = 0; kept[8] = 0; kept[9] = 0
     }
  :: d_step {
       operators < OPERATOR ->
       printf("operator: lets the next one in\n");
       operators++;
       cloud.next = 1;
       Send(0, unknown, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
     }
  od
}

// F: when no fault is left, everybody is live, fenced or off. That it comes to rest at all is seen
// by searching cycles: none of this model's is progress.
proctype Rest() {
end:
  timeout ->
  HOLDS(F_ends_live_or_fenced, ram[0].st != kHello);
#if BOARDS > 1
  HOLDS(F_ends_live_or_fenced, ram[1].st != kHello);
#endif
  HOLDS(F_ends_live_or_fenced, !claiming);
#ifdef LONE
  HOLDS(F_ends_live_or_fenced, ram[0].st != kFenced);
#endif
}

init {
  atomic {
    ram[0].st = kDown;
#if BOARDS > 1
    ram[1].st = kDown;
#endif
    OpenCloud();
    run Cloud_();
    run Rest();
    run Faults();
    run Board(0)
#if BOARDS > 1
    ; run Board(1)
#endif
  }
}
