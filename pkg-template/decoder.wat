;; Makes bytes of the letters that lie in the memory, in their place, and returns how many there are.
(module
  (memory (export "memory") 4)
  (func (export "decode") (param $letters i32) (result i32)
    (local $from i32) (local $to i32) (local $byte i32)
    (loop $next
      (local.set $byte (i32.sub (i32.load8_u (local.get $from)) (i32.const 35)))
      ;; From 72 on it is the first of two. What goes beyond eight bits is not stored.
      (if (i32.ge_u (i32.shr_u (local.get $byte) (i32.const 3)) (i32.const 9))
        (then
          (local.set $from (i32.add (local.get $from) (i32.const 1)))
          (local.set $byte (i32.add (i32.const 29) (i32.add
            (i32.shl (local.get $byte) (i32.const 6))
            (i32.load8_u (local.get $from)))))))
      (i32.store8 (local.get $to) (local.get $byte))
      (local.set $to (i32.add (local.get $to) (i32.const 1)))
      (br_if $next (i32.lt_u
        (local.tee $from (i32.add (local.get $from) (i32.const 1)))
        (local.get $letters))))
    (local.get $to)))
