#!/usr/bin/env python3
"""Writes raw files in the layouts of the paper's datasets, with their quirks, since the real ones cannot be shipped.

Usage: raw_files.py {cikm,cikm_ubp,qqbrowser,ali} FOLDER [--users N] [--clicks M] [--seed S]

Without --users: a few rows that can be counted by hand (tests/e2e/import_test.cc does). With it: N users with some M
clicks each, drawn at random, of whom a third stays below ten clicks; the same bytes for the same arguments.
"""
import argparse
import os
import random
from itertools import accumulate

CIKM_SECONDS = 16 * 86400
UBP_DAYS = range(20190610, 20190621)
ALI_FIRST, ALI_ADS_FIRST, ALI_LAST = 1492790400, 1494000000, 1494691199
# The last name ends with a blank, as in the file of Tianchi.
ALI_PROFILE_HEADER = ("userid,cms_segid,cms_group_id,final_gender_code,age_level,pvalue_level,shopping_level,"
                      "occupation,new_user_class_level ")
LINES_PER_WRITE = 200_000


def write(folder, name, lines, header=None):
    """One line per text; `lines` may be a generator of any length."""
    with open(os.path.join(folder, name), "w", newline="\n") as output:
        if header is not None:
            output.write(header + "\n")
        chunk = []
        for line in lines:
            chunk.append(line)
            if len(chunk) == LINES_PER_WRITE:
                output.write("\n".join(chunk) + "\n")
                chunk.clear()
        if chunk:
            output.write("\n".join(chunk) + "\n")


# ---- a few rows, counted by hand ------------------------------------------------------------------------------------


def small_cikm(folder):
    clicks = [f"10,{200 + i},pv,{100 * i}" for i in reversed(range(12))]  # 12 clicks, newest first
    clicks += ["10,200,pv,0"]  # repeats a row
    clicks += ["10,200,fav,50", "10,201,buy,60"]  # other actions
    clicks += [f"20,{205 + i},pv,{500 + i}" for i in range(9)] + ["20,214,pv,1382399"]  # 10 clicks, one in the last second
    clicks += ["20,200,pv,-1", "20,200,pv,1382400"]  # outside the 16 days
    clicks += [f"30,{200 + i},pv,{7 * i}" for i in range(9)]  # 9 clicks: cold
    clicks += ["40,210,pv,86400", "40,201,pv,86400"]  # tied; the user has no profile
    clicks += ["50,200,fav,1", "50,200,cart,2", "50,200,buy,3"]  # no clicks at all
    write(folder, "user_behavior.csv", clicks)
    write(folder, "user.csv", ["10,0,24,3", "20,1,,9", "30,0,18,1", "50,1,85,2", "30,1,40,4", "60,0,30,5"])
    # Category is the item without its last digit; 207 is missing, 208 has no brand.
    write(folder, "item.csv", [f"{i},{i // 10},{i % 3},{'' if i == 208 else i % 4}" for i in range(200, 215) if i != 207])


def small_cikm_ubp(folder):
    clicks = [f"u1\ti{i}\tclk\t20190610" for i in range(10)]  # 10 clicks on one day
    clicks += ["u1\ti0\tcollect\t20190610", "u1\ti1\tcart\t20190611", "u1\ti2\tbuy\t20190611"]
    clicks += ["u2\ti3\tclk\t20190620", "u2\ti10\tclk\t20190612", "u2\ti11\tclk\t20190612"]
    clicks += ["u2\ti5\tclk\t20190609", "u2\ti6\tclk\t20190621"]  # a day too early, a day too late
    write(folder, "ECommAI_ubp_round1_train", clicks)
    write(folder, "ECommAI_ubp_round1_user_feature",
          ["u1\tF\t[18,20]\t\t3.0\t120\t1,4", "u2\tM\t>=60\t2\t\t99\t"])


def small_qqbrowser(folder):
    long, short = ",".join(str(i) for i in range(11, 23)), "31,32,33"
    write(folder, "original_desen_pretrain.csv", [long, short, long, "51,52,53,54,55,56"])  # the third line repeats
    write(folder, "original_desen_finetune_click_nouserID.csv",
          [long + ",,501,502", "41,42,,503", long + ",,501,502", short + ",,504"])
    write(folder, "original_desen_finetune_like_nouserID.csv", [short + ",,601", "71,72,73,,602,603"])
    write(folder, "original_desen_gender.csv", [long + ",,1", short + ",,0", "41,42,,2", "9,9,,2"])
    write(folder, "original_desen_age.csv", [long + ",,4", long + ",,5", short + ",,3"])
    write(folder, "original_desen_life_status.csv", [short + ",,6", "8,8,,1"])


def small_ali(folder):
    start = ALI_ADS_FIRST
    log = [f"1,{start + i},pv,{40 + i % 2},{900 + i}" for i in reversed(range(11))]  # 11 clicks, newest first
    log += [f"1,{start},pv,40,900", f"1,{start + 1},pv,77,901"]  # a repeated row; the same brand in another category
    log += [f"2,{start + 5 * i},ipv,40,{903 + i}" for i in range(10)]  # the spelling of the documentation
    log += [f"3,{start + i},pv,41,{900 + i}" for i in range(4)]
    log += ["3,0,pv,41,900", "3,-5,pv,41,900", "3,2147483647,pv,41,900"]  # far outside the 22 days
    log += [f"4,{start},cart,40,900", f"4,{start},fav,40,900", f"4,{start},buy,40,900"]
    log += [f"5,{start},pv,40,NULL", f"5,{start + 1},pv,40,", f"5,{ALI_LAST},pv,40,912"]
    log += [f"6,{ALI_FIRST},pv,40,905", f"6,{ALI_FIRST - 1},pv,40,906", f"6,{start},pv,40,904"]
    write(folder, "behavior_log.csv", log, header="user,time_stamp,btag,cate,brand")
    write(folder, "user_profile.csv",
          ["1,96,12,2,5,,3,0,", "2,0,1,1,0,2,1,1,4", "3,7,3,2,3,,3,0,2", "4,8,3,2,3,1,3,0,2", "5,9,3,1,3,3,3,0,",
           "1,0,0,1,0,1,1,1,1"], header=ALI_PROFILE_HEADER)
    ads = [f"1,{start + 100 - i},{700 + i},430548_1007,0,1" for i in range(11)]  # 11 clicked ads, newest first
    ads += [f"1,{start + 200},700,430548_1007,1,0", f"3,{start + 200},701,430539_1007,1,0"]
    ads += [f"3,{start + 10},702,430539_1007,0,1", f"3,{start + 20},710,430548_1007,0,1",
            f"3,{start + 30},720,430548_1007,0,1"]
    ads += [f"7,{start},705,430548_1007,0,1", f"8,{start},705,430548_1007,1,0"]
    ads += [f"3,{start - 1},703,430548_1007,0,1", f"3,{ALI_LAST + 1},703,430548_1007,0,1"]  # a second too early, too late
    ads += [f"7,{ALI_LAST},706,430548_1007,0,1"]  # in the last second
    write(folder, "raw_sample.csv", ads, header="user,time_stamp,adgroup_id,pid,nonclk,clk")
    # Two ads a brand; 704 has none, 710 is missing.
    write(folder, "ad_feature.csv",
          [f"{700 + i},{50 + i},{i},{i},{'NULL' if i == 4 else 30 + i // 2},{10.5 * (i + 1)}" for i in range(10)] + ["720,9,9,9,99,1.0"],
          header="adgroup_id,cate_id,campaign_id,customer,brand,price")


# ---- many rows, drawn at random -------------------------------------------------------------------------------------


def clicks_per_user(draw, args):
    """Number of clicks of each user; a third of them are cold."""
    return [draw.randint(1, 9) if draw.random() < 1 / 3 else draw.randint(10, max(10, 2 * args.clicks))
            for _ in range(args.users)]


def taste(draw, num_items):
    """Items that one user likes: near a place of their own, so that there is something to learn."""
    centre = draw.randrange(num_items)
    return lambda: (centre + int(draw.gauss(0, num_items / 20))) % num_items


def large_cikm(folder, args, draw):
    num_items = max(200, args.users // 2)
    actions = ["pv"] * 17 + ["fav", "cart", "buy"]

    def behaviour():
        for user, count in enumerate(clicks_per_user(draw, args)):
            item = taste(draw, num_items)
            for _ in range(count):
                yield f"{user},{item()},{draw.choice(actions)},{draw.randrange(CIKM_SECONDS)}"

    write(folder, "user_behavior.csv", behaviour())
    write(folder, "user.csv", (f"{u},{draw.randint(0, 1)},{draw.randint(18, 85)},{draw.randint(1, 9)}"
                               for u in range(args.users)))
    write(folder, "item.csv", (f"{i},{i // 50},{i % 97},{i % 31}" for i in range(num_items)))


def large_cikm_ubp(folder, args, draw):
    num_items = max(200, args.users // 2)

    def behaviour():
        for user, count in enumerate(clicks_per_user(draw, args)):
            item = taste(draw, num_items)
            for _ in range(count):
                yield f"{user}\t{item()}\t{draw.choice(['clk', 'clk', 'clk', 'buy'])}\t{draw.choice(UBP_DAYS)}"

    write(folder, "ECommAI_ubp_round1_train", behaviour())
    write(folder, "ECommAI_ubp_round1_user_feature",
          (f"{u}\t{draw.choice('FM')}\t{draw.choice(['[18,20]', '[21,30]', '>=60'])}\t\t{draw.randint(1, 10)}.0\t"
           f"{draw.randint(1, 23469)}\t{draw.randint(1, 10)},{draw.randint(1, 10)}" for u in range(args.users)))


def large_qqbrowser(folder, args, draw):
    num_items = max(200, args.users // 2)
    histories = []
    for count in clicks_per_user(draw, args):
        item = taste(draw, num_items)
        histories.append(",".join(str(item()) for _ in range(count)))
    write(folder, "original_desen_pretrain.csv", histories)
    for kind, share in (("click", 0.8), ("like", 0.2)):
        write(folder, f"original_desen_finetune_{kind}_nouserID.csv",
              (f"{h},,{','.join(str(num_items + draw.randrange(100)) for _ in range(draw.randint(1, 4)))}"
               for h in histories if draw.random() < share))
    for name, classes in (("gender", 3), ("age", 9), ("life_status", 7)):
        write(folder, f"original_desen_{name}.csv", (f"{h},,{draw.randrange(classes)}" for h in histories))


def large_ali(folder, args, draw):
    num_brands, num_ads = max(200, args.users // 3), max(200, args.users)
    things = [f"{'cart' if i % 60 == 0 else 'pv'},{b % 6000},{b}\n" for i, b in
              enumerate(draw.choices(range(num_brands), [1 / (k + 10) for k in range(num_brands)], k=1 << 16))]
    counts = clicks_per_user(draw, args)
    total = sum(counts)
    # Rows of all users mixed, as in the real log: users by weight, times at random, one row in 14 said twice.
    with open(os.path.join(folder, "behavior_log.csv"), "w", newline="\n") as output:
        output.write("user,time_stamp,btag,cate,brand\n")
        users = [f"{u}," for u in range(args.users)]
        bounds = list(accumulate(counts))
        for done in range(0, total, LINES_PER_WRITE):
            size = min(LINES_PER_WRITE, total - done)
            rows = [f"{u}{ALI_FIRST + int(draw.random() * 1900800)},{thing}"
                    for u, thing in zip(draw.choices(users, cum_weights=bounds, k=size), draw.choices(things, k=size))]
            rows[:size // 14] = rows[-(size // 14):] if size >= 14 else rows[:0]
            rows[0] = f"{users[0]}{draw.choice([0, -7, 4102444800])},pv,1,1\n"
            output.write("".join(rows))
    write(folder, "user_profile.csv",
          (f"{u},{draw.randint(0, 96)},{draw.randint(0, 12)},{draw.randint(1, 2)},{draw.randint(0, 6)},"
           f"{draw.choice(['', '', 1, 2, 3])},{draw.randint(1, 3)},{int(draw.random() < 0.06)},"
           f"{draw.choice(['', 1, 2, 3, 4])}" for u in range(args.users) if u % 20 != 7), header=ALI_PROFILE_HEADER)

    def ads():
        for user in range(args.users):
            for _ in range(draw.choice([1, 2, 3, 5, 20, 40])):
                clicked = int(draw.random() < 0.5)
                yield (f"{user},{draw.randint(ALI_ADS_FIRST, ALI_LAST)},{draw.randrange(num_ads)},"
                       f"{draw.choice(['430548_1007', '430539_1007'])},{1 - clicked},{clicked}")

    write(folder, "raw_sample.csv", ads(), header="user,time_stamp,adgroup_id,pid,nonclk,clk")
    write(folder, "ad_feature.csv",
          (f"{a},{a % 6000},{a},{a % 999},{'NULL' if a % 3 == 0 else a % num_brands},{draw.uniform(1, 999):.2f}"
           for a in range(num_ads)), header="adgroup_id,cate_id,campaign_id,customer,brand,price")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", choices=["cikm", "cikm_ubp", "qqbrowser", "ali"])
    parser.add_argument("folder")
    parser.add_argument("--users", type=int, help="how many users to draw; none: the few rows of the tests")
    parser.add_argument("--clicks", type=int, default=20, help="of a warm user, on average")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    os.makedirs(args.folder, exist_ok=True)
    if args.users is None:
        globals()["small_" + args.source](args.folder)
    else:
        globals()["large_" + args.source](args.folder, args, random.Random(args.seed))


if __name__ == "__main__":
    main()
