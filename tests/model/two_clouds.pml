// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// A cloud that was restored from a backup while the old one is still alive: both hear whatever the
// device says, and the device hears both. Cloud 0 is the old one; cloud 1 begins as its backup.
// What is checked, and the names for -D: tests/model/README.md.

#ifndef WISHES
#define WISHES 2  // Desired rows, of both clouds together.
#endif
#ifndef LOSSES
#define LOSSES 2  // Frames from the device, for one cloud each.
#endif
#ifndef DEATHS
#define DEATHS 1  // Of a cloud, for good.
#endif
#ifndef DROPS
#define DROPS 1  // Links of the device.
#endif
#ifndef REPORTS
#define REPORTS 2  // Frames that the device sends while it is live.
#endif

bit T_only_the_peer_is_heard, T_follows_only_when_the_old_is_silent, T_ends_live;
bit T_cursor_names_the_peers_rows;
#define HOLDS(name, condition) assert((condition) || name)
#define Max(a, b) ((a) > (b) -> (a) : (b))

mtype = { kHello, kLive };
mtype = { hello, delta, welcome, unknown, desired };

// --- The clouds: openings 1 and 2. Opening 2 continues what opening 1 had at the backup. ---
byte head[2], csess[2], told[2];
bit up_[2];      // Alive.
byte branch;     // Opening 1's head at the backup.

// --- The device. held is a row of opening held_by. ---
mtype st = kHello;
byte sess = 1, held, held_by, peer;  // peer: opening of the Welcome that was taken last; 0: none.
bit asked, foreign;                  // foreign: one that is not the peer answered, and waits.

chan up[2] = [2] of { mtype, byte, byte, byte };          // Kind, session, held, held_by.
chan down[2] = [1] of { mtype, byte, byte, byte, byte };     // Kind, session, opening, from, to.
byte wishes, losses, deaths, drops, reports;
bit backed_up, over;

// model::Gave: whether opening `who`, of the given head, has row `seq` of opening `by`.
#define Gave(who, newest, by, seq) \
  ((by) == (who) -> (seq) <= (newest) : ((by) == 1 && (seq) <= branch))

inline SayHello() {
  st = kHello;
  asked = 0;
  sess++
}

inline Say(kind) {
  if
  :: up_[0] && nfull(up[0]) -> up[0]!kind, sess, held, held_by
  :: !up_[0]
  fi;
  if
  :: up_[1] && nfull(up[1]) -> up[1]!kind, sess, held, held_by
  :: !up_[1]
  fi
}
#define Room ((!up_[0] || nfull(up[0])) && (!up_[1] || nfull(up[1])))
#define Quiet (empty(up[0]) && empty(up[1]) && empty(down[0]) && empty(down[1]))

inline Follow(opening, newest) {
  HOLDS(T_follows_only_when_the_old_is_silent, !up_[(held_by == 2 -> 1 : 0)]);
  printf("device: follows opening %d\n", opening);
  // The latest row that both have.
  held = (held < branch -> held : branch);
  held_by = (held == 0 -> 0 : 1);
  foreign = 0;
  SayHello()
}

proctype Device() {
end:
  do
  :: d_step { st == kHello && Room && (!asked || Quiet) ->
       printf("device: Hello session %d held %d of opening %d\n", sess, held, held_by);
       Say(hello);
       asked = 1
     }
  :: d_step { st == kLive && Room && reports < REPORTS -> reports++; Say(delta) }
  od
}

// foreign_wait has passed, and nobody who has what we hold has answered any of many Hellos. It is a
// process of its own, since fairness is a process's: the time does pass.
proctype Wait() {
end:
  do
#ifndef NO_FOLLOWING
  :: d_step { st == kHello && foreign && up_[1] && held_by == 1 && held > branch && !up_[0] ->
       Follow(2, head[1])
     }
  :: d_step { st == kHello && foreign && up_[0] && held_by == 2 && !up_[1] -> Follow(1, head[0]) }
#else
  :: false
#endif
  od
}

// What comes from one of the clouds.
proctype Ear(byte c) {
  byte s, who, from, to;
end:
  do
  :: d_step { down[c]?welcome, s, who, from, to ->
       if
       :: s != sess || st == kLive
       :: s == sess && st == kHello && held != 0 && !Gave(who, to, held_by, held) -> foreign = 1
#ifdef NO_FOREIGN_WAIT
          ; Follow(who, to)
#endif
       :: else ->
          printf("device: live with opening %d\n", who);
          foreign = 0;
          st = kLive;
          peer = who
       fi;
       s = 0; who = 0; from = 0; to = 0
     }
  :: d_step { down[c]?unknown, s, _, _, _ ->
       if
       :: s == sess && st == kLive -> SayHello()
       :: else
       fi;
       s = 0
     }
  :: d_step { down[c]?desired, s, who, from, to ->
       if
#ifdef SESSION_IS_ENOUGH
       :: s == sess && st == kLive && from <= held && to > held ->
#else
       :: s == sess && st == kLive && who == peer && from <= held && to > held ->
#endif
          printf("device: takes desired up to %d from opening %d\n", to, who);
          HOLDS(T_only_the_peer_is_heard, who == peer);
          held = to;
          held_by = (who == 2 && to <= branch -> 1 : who);
          HOLDS(T_cursor_names_the_peers_rows, Gave(peer, head[peer - 1], held_by, held))
       :: else
       fi;
       s = 0; who = 0; from = 0; to = 0
     }
  od
}

// A slot that is full loses its older frame.
inline Tell(kind, s, opening, from, to) {
  if
  :: full(down[c]) -> down[c]?_,_,_,_,_
  :: nfull(down[c])
  fi;
  down[c]!kind, s, opening, from, to
}

proctype Cloud_(byte c) {
  byte s, h, by;
end:
  do
  :: d_step { up[c]?hello, s, h, by ->
       csess[c] = s;
       told[c] = ((h == 0 || !Gave(c + 1, head[c], by, h)) -> 0 : h);
       Tell(welcome, s, c + 1, 0, head[c]);
       s = 0; h = 0; by = 0
     }
  :: d_step { up[c]?delta, s, h, by ->
       if
       :: s != csess[c] -> Tell(unknown, s, 0, 0, 0)
       :: else
       fi;
       s = 0; h = 0; by = 0
     }
  :: d_step { up_[c] && csess[c] != 0 && head[c] > told[c] && empty(down[c]) ->
       Tell(desired, csess[c], c + 1, told[c], head[c]);
       told[c] = head[c]
     }
  :: d_step { up_[c] && wishes < WISHES -> wishes++; head[c]++; printf("cloud %d: wish\n", c) }
  od
}

inline Empty(c) {
  do
  :: nempty(up[c]) -> up[c]?_,_,_,_
  :: empty(up[c]) -> break
  od
}

proctype Faults() {
end:
  do
  :: d_step { !backed_up && up_[0] ->
       printf("cloud 1 begins as a backup of cloud 0\n");
       backed_up = 1;
       branch = head[0];
       head[1] = head[0];
       up_[1] = 1
     }
  :: d_step { deaths < DEATHS && up_[0] && up_[1] ->
       deaths++;
       up_[0] = 0;
       csess[0] = 0;
       Empty(0);
       printf("cloud 0 is gone\n")
     }
  :: d_step { deaths < DEATHS && up_[0] && up_[1] ->
       deaths++;
       up_[1] = 0;
       csess[1] = 0;
       Empty(1);
       printf("cloud 1 is gone\n")
     }
  :: d_step { losses < LOSSES && nempty(up[0]) -> losses++; up[0]?_,_,_,_ }
  :: d_step { losses < LOSSES && nempty(up[1]) -> losses++; up[1]?_,_,_,_ }
  :: d_step { drops < DROPS && st == kLive -> drops++; SayHello() }
  :: over = 1; break
  od
}

proctype Rest() {
end:
  timeout -> HOLDS(T_ends_live, st == kLive)
}

init {
  atomic {
    up_[0] = 1;
    run Device();
    run Wait();
    run Ear(0);
    run Ear(1);
    run Cloud_(0);
    run Cloud_(1);
    run Faults();
    run Rest()
  }
}
