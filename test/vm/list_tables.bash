# shellcheck shell=bash
# Tables of every kind that ipvsadm can list. table_NAME makes one in an empty kernel table.

restore() { ipvsadm -R; }

table_nothing() { :; }

table_schedulers() {
    local scheduler port=80
    for scheduler in rr wrr lc wlc fo ovf lblc lblcr dh sh mh sed nq; do
        echo "-A -t 10.96.0.1:$port -s $scheduler"
        echo "-a -t 10.96.0.1:$port -r 10.244.0.5:8080 -m"
        port=$((port + 1))
    done | restore
}

table_scheduler_flags() {
    restore <<'END'
-A -t 10.96.0.1:1 -s sh -b sh-port
-A -t 10.96.0.1:2 -s sh -b sh-fallback
-A -t 10.96.0.1:3 -s sh -b sh-port,sh-fallback
-A -t 10.96.0.1:4 -s mh -b mh-port
-A -t 10.96.0.1:5 -s mh -b mh-fallback
-A -t 10.96.0.1:6 -s mh -b mh-port,mh-fallback
-A -t 10.96.0.1:7 -s sh -b flag-1,flag-2,flag-3
-A -t 10.96.0.1:8 -s mh -b flag-3
-A -t 10.96.0.1:9 -s rr -b flag-1
-A -t 10.96.0.1:10 -s wrr -b flag-2
-A -t 10.96.0.1:11 -s lc -b flag-3
-A -t 10.96.0.1:12 -s dh -b flag-1,flag-2,flag-3
-A -t 10.96.0.1:13 -s sh -b sh-port -p 100
-A -u 10.96.0.1:14 -s mh -b mh-port,mh-fallback -p 100 -M 255.255.255.0 -o
-A -f 15 -s sh -b sh-port
-A -t [fd00:96::1]:16 -s mh -b mh-fallback -p 60 -M 64
END
}

table_persistence() {
    restore <<'END'
-A -t 10.96.0.1:80 -s rr -p
-A -t 10.96.0.1:81 -s rr -p 1
-A -t 10.96.0.1:82 -s rr -p 86400
-A -t 10.96.0.1:83 -s rr -p 2678400
-A -t 10.96.0.1:84 -s rr -p 100 -M 255.255.255.255
-A -t 10.96.0.1:85 -s rr -p 100 -M 255.255.255.0
-A -t 10.96.0.1:86 -s rr -p 100 -M 255.255.240.0
-A -t 10.96.0.1:87 -s rr -p 100 -M 128.0.0.0
-A -t 10.96.0.1:88 -s rr -p 100 -M 0.0.0.0
-A -t 10.96.0.1:0 -s rr -p 10800
-A -u 10.96.0.1:0 -s rr -p 10800
-A -t [fd00:96::1]:80 -s rr -p 100
-A -t [fd00:96::1]:81 -s rr -p 100 -M 128
-A -t [fd00:96::1]:82 -s rr -p 100 -M 64
-A -t [fd00:96::1]:83 -s rr -p 100 -M 1
-A -t [fd00:96::1]:0 -s rr -p 100
-A -f 1 -s rr -p 100 -M 255.0.0.0
-A -f 2 -6 -s rr -p 100 -M 48
-a -t 10.96.0.1:0 -r 10.244.0.5 -m
-a -t 10.96.0.1:85 -r 10.244.0.5:8080 -m
END
}

table_one_packet() {
    restore <<'END'
-A -u 10.96.0.1:53 -s rr -o
-A -u 10.96.0.1:54 -s rr -o -p 100
-A -u [fd00:96::1]:53 -s rr -o -p 100 -M 56
-A -u 10.96.0.1:55 -s sh -b sh-port -o
-A -f 7 -s rr -o
-a -u 10.96.0.1:53 -r 10.244.0.5:53 -m
END
}

table_engine() {
    restore <<'END'
-A -u 10.96.0.1:5060 -s rr -p 100 --pe sip
-A -u 10.96.0.1:5061 -s rr -p 100 -M 255.255.255.0 --pe sip
-A -u 10.96.0.1:5062 -s sh -b sh-fallback -p 100 -M 255.255.255.0 --pe sip -o
-A -u [fd00:96::1]:5060 -s rr -p 100 -M 64 --pe sip -o
-A -f 9 -s rr -p 60 --pe sip
-a -u 10.96.0.1:5060 -r 10.244.0.5:5060 -m
END
}

table_firewall_marks() {
    restore <<'END'
-A -f 7 -s rr
-A -f 1 -s wlc
-A -f 65536 -s rr
-A -f 2147483647 -s rr
-A -f 7 -6 -s rr
-A -f 3 -6 -s lc -p 300 -M 64
-A -t 10.96.0.1:80 -s rr
-A -t [fd00:96::1]:80 -s rr
-a -f 7 -r 10.244.0.5 -m
-a -f 7 -r 10.244.0.6:8080 -m
-a -f 7 -r 10.244.0.7 -g
-a -f 7 -r 10.244.0.8 -i
-a -f 7 -6 -r [fd00:244::5]:0 -m
-a -f 7 -6 -r [fd00:244::6]:0 -g
-a -f 7 -6 -r 10.244.0.6:0 -i
END
}

# They count as negative numbers, and the smallest one goes below and above everything.
table_huge_firewall_marks() {
    restore <<'END'
-A -f 4294967295 -s rr
-A -f 2147483649 -s rr
-A -f 2147483648 -s rr
-A -f 2147483647 -s rr
-A -f 3000000000 -6 -s rr
-A -f 1 -s rr
-A -t 10.96.0.1:80 -s rr
-A -u [fd00:96::1]:80 -s rr
-a -f 4294967295 -r 10.244.0.5:80 -m
END
}

table_forwarding() {
    restore <<'END'
-A -t 10.96.0.1:80 -s rr
-A -t [fd00:96::1]:80 -s rr
-a -t 10.96.0.1:80 -r 10.244.0.1:80 -m
-a -t 10.96.0.1:80 -r 10.244.0.2:80 -g
-a -t 10.96.0.1:80 -r 10.244.0.3:80 -i
-a -t 10.96.0.1:80 -r 10.244.0.4:80 -i --tun-type ipip
-a -t 10.96.0.1:80 -r 10.244.0.5:80 -i --tun-type gue --tun-port 6080
-a -t 10.96.0.1:80 -r 10.244.0.6:80 -i --tun-type gue --tun-port 6080 --tun-nocsum
-a -t 10.96.0.1:80 -r 10.244.0.7:80 -i --tun-type gue --tun-port 6080 --tun-csum
-a -t 10.96.0.1:80 -r 10.244.0.8:80 -i --tun-type gue --tun-port 6080 --tun-remcsum
-a -t 10.96.0.1:80 -r 10.244.0.9:80 -i --tun-type gre
-a -t 10.96.0.1:80 -r 10.244.0.10:80 -i --tun-type gre --tun-csum
-a -t 10.96.0.1:80 -r 127.0.0.1:80 -g
-a -t [fd00:96::1]:80 -r [fd00:244::1]:80 -m
-a -t [fd00:96::1]:80 -r [fd00:244::2]:80 -g
-a -t [fd00:96::1]:80 -r [fd00:244::3]:80 -i --tun-type gue --tun-port 65535 --tun-remcsum
-a -t [fd00:96::1]:80 -r [::1]:80 -g
END
}

# ipvsadm can list them, but not make them.
table_local() {
    restore <<'END'
-A -t 10.96.0.1:80 -s rr
-a -t 10.96.0.1:80 -r 10.244.0.1:80 -m
END
    vm-table add 1 10.96.0.1:80 10.244.0.2:80
    vm-table add 1 10.96.0.1:80 127.0.0.1:80
}

table_bypass() {
    table_local
    vm-table add 4 10.96.0.1:80 10.244.0.4:80
}

table_protocols() {
    restore <<'END'
-A --sctp-service 10.96.0.1:80 -s rr
-A -u 10.96.0.1:80 -s rr
-A -t 10.96.0.1:80 -s rr
-A --sctp-service [fd00:96::1]:80 -s rr
-A -u [fd00:96::1]:80 -s rr
-A -t [fd00:96::1]:80 -s rr
-A --sctp-service 10.96.0.0:9999 -s sh -b sh-port -p 100
-a --sctp-service 10.96.0.1:80 -r 10.244.0.5:132 -m
-a --sctp-service [fd00:96::1]:80 -r [fd00:244::5]:132 -m
END
}

table_wide() {
    restore <<'END'
-A -t [fd00:1234:5678:9abc:def0:1234:5678:9abc]:65535 -s rr -p 300 -M 64
-A --sctp-service [2001:db8:ffff:ffff:ffff:ffff:ffff:ffff]:65535 -s lblcr
-A -t 255.255.255.254:65535 -s rr
-A -t 223.255.255.254:65535 -s rr
-a -t [fd00:1234:5678:9abc:def0:1234:5678:9abc]:65535 -r [fd00:1234:5678:9abc:def0:1234:5678:9abd]:65535 -m -w 2147483647
-a -t [fd00:1234:5678:9abc:def0:1234:5678:9abc]:65535 -r [fd00:1234:5678:9abc:def0:1234:5678:9ab]:65535 -m -w 65536
-a -t [fd00:1234:5678:9abc:def0:1234:5678:9abc]:65535 -r [fd00:1234:5678:9abc::1]:1 -g
-a -t [fd00:1234:5678:9abc:def0:1234:5678:9abc]:65535 -r [2001:db8:1:2:3:4:5:6]:65535 -g
-a -t [fd00:1234:5678:9abc:def0:1234:5678:9abc]:65535 -r [::1]:65535 -g
-a -t [fd00:1234:5678:9abc:def0:1234:5678:9abc]:65535 -r 10.244.255.255:65535 -i
-a -t 223.255.255.254:65535 -r 223.255.255.253:65535 -m -w 2147483647
END
}

# Zero words at every place, and addresses that embed IPv4 ones.
table_ipv6_texts() {
    restore <<'END'
-A -t [2001:db8::]:1 -s rr
-A -t [2001:db8:0:0:1::]:1 -s rr
-A -t [2001:0:0:1:0:0:0:1]:1 -s rr
-A -t [2001:0:1:0:1:0:1:0]:1 -s rr
-A -t [2001:db8:0:1:1:1:1:1]:1 -s rr
-A -t [0:0:1:0:0:0:0:1]:1 -s rr
-A -t [64:ff9b::192.0.2.33]:1 -s rr
-A -t [::1]:1 -s rr
-A -t [::1.2.3.4]:1 -s rr
-A -t [::1:2:3]:1 -s rr
-A -t [ABCD:EF01:2345:6789:ABCD:EF01:2345:6789]:1 -s rr
-a -t [::1]:1 -r [::5.6.7.8]:1 -m
END
}

table_weights() {
    restore <<'END'
-A -t 10.96.0.1:80 -s wrr
-a -t 10.96.0.1:80 -r 10.244.0.1:80 -m -w 0
-a -t 10.96.0.1:80 -r 10.244.0.2:80 -m -w 1
-a -t 10.96.0.1:80 -r 10.244.0.3:80 -m -w 100
-a -t 10.96.0.1:80 -r 10.244.0.4:80 -m -w 99999
-a -t 10.96.0.1:80 -r 10.244.0.5:80 -m -w 999999
-a -t 10.96.0.1:80 -r 10.244.0.6:80 -m -w 1000000
-a -t 10.96.0.1:80 -r 10.244.0.7:80 -m -w 2147483647
-a -t 10.96.0.1:80 -r 10.244.0.8:80 -m -w 5 -x 1000 -y 500
END
}

table_no_real_servers() {
    restore <<'END'
-A -t 10.96.0.1:80 -s rr
-A -u 10.96.0.1:53 -s wlc
-A -t [fd00:96::1]:80 -s rr
END
}

# Addresses of one circle: each is less than the next, and the last less than the first.
circle=(10.0.0.1 100.64.0.1 172.16.0.1 192.168.0.1 127.0.0.1 198.51.100.7 9.9.9.9 74.125.0.1)

table_circle() {
    local port address real
    for port in 80 443 8080; do
        for address in "${circle[@]}"; do
            echo "-A -t $address:$port -s rr"
            for real in "${circle[@]}"; do
                echo "-a -t $address:$port -r $real:$port -m"
            done
        done
        circle=("${circle[@]:3}" "${circle[@]:0:3}")
    done | restore
}

# An IPv4 address is compared with the first four bytes of an IPv6 one, or the other way round with all of it.
table_mixed_families() {
    local real mark
    local reals=(1.0.0.1:80 200.1.1.1:80 48.0.0.0:80 32.0.0.0:90 '[2000::]:80' '[2000::1]:80' 32.0.0.0:80 '[fd00::]:80'
        '[::1]:80' '[2000:0:0:8000::]:80' '[2000::8000:0]:80' '[9000::]:80' '[2000::2]:100')
    for ((mark = 1; mark <= ${#reals[@]}; mark++)); do
        echo "-A -f $mark -6 -s rr"
        for real in "${reals[@]}"; do
            echo "-a -f $mark -6 -r $real -i"
        done
        reals=("${reals[@]:1}" "${reals[0]}")
    done | restore
}

# random N: the next number below N of a sequence that is the same everywhere.
seed=1
random() {
    seed=$(((seed * 1103515245 + 12345) & 0x7fffffff))
    random=$(((seed >> 8) % $1))
}

random_address() {
    local a b c
    random 223 && a=$((random + 1))
    random 256 && b=$random
    random 256 && c=$random
    random 254 && random_address=$a.$b.$c.$((random + 1))
}

table_hundreds() {
    local i j key
    for ((i = 0; i < 300; i++)); do
        random_address
        key="-t $random_address:$((i + 1))"
        echo "-A $key -s rr"
        for ((j = 0; j < i % 7; j++)); do
            random_address
            echo "-a $key -r $random_address:80 -m -w $j"
        done
    done | restore
    for ((i = 0; i < 100; i++)); do
        random 65536 && j=$(printf '%x' "$random")
        key="-u [fd00:$j::$i]:53"
        echo "-A $key -s rr"
        random 65536
        echo "-a $key -r [fd00:244::$(printf '%x' "$random")]:53 -m"
    done | restore
}

table_many_real_servers() {
    local i
    {
        echo "-A -t 10.96.0.1:80 -s rr"
        for ((i = 0; i < 500; i++)); do
            random_address
            echo "-a -t 10.96.0.1:80 -r $random_address:$((8000 + i)) -m"
        done
    } | restore
}
