"""The cast of the demo day: officials of three tiers and the matters of invented citizens."""

from __future__ import annotations

from dataclasses import dataclass

from cases.roles import Role


@dataclass(frozen=True)
class DemoOfficial:
    username: str
    name: str
    region_code: str
    role: Role
    note: str
    title: str = ""
    unit: str = ""  # A department's short name; empty: the office of the region.


@dataclass(frozen=True)
class DemoMatter:
    subject: str
    description: str
    name: str
    phone: str
    region_code: str = "620102"


# One password for all of them, printed at each start; such accounts are refused outside demo mode.
PASSWORD = "Yan-Shi-2026!"

HOST = DemoOfficial("chengguan", "马建国", "620102", Role.RECEPTIONIST, "城关区接访员：主持、预约、登记")
CITY = DemoOfficial("lanzhou", "周敏", "6201", Role.RECEPTIONIST, "市级接访员：联合接访")
PROVINCE = DemoOfficial("gansu", "韩志远", "62", Role.RECEPTIONIST, "省级接访员：联合接访")
# Who receives in turn, and may be written to.
LEADERS = (
    DemoOfficial("quzhang", "方明", "620102", Role.LEADER, "城关区接访领导", "副区长"),
    DemoOfficial("shizhang", "梁静", "6201", Role.LEADER, "市级接访领导", "副市长"),
)
HANDLER = DemoOfficial(
    "zhujian", "田军", "620102", Role.HANDLER, "城关区住建局承办人：告知、受理、答复", unit="城关区住建局"
)
OFFICIALS = (
    HOST,
    CITY,
    PROVINCE,
    DemoOfficial("xigu", "李桂芳", "620104", Role.RECEPTIONIST, "西固区接访员：看不到城关区的件"),
    DemoOfficial("ducha", "赵庆", "6201", Role.INSPECTOR, "市级督查员：调阅录像"),
    DemoOfficial("danganyuan", "孙慧", "620102", Role.ARCHIVIST, "城关区档案员：录像与封存清单"),
    *LEADERS,
    HANDLER,
    DemoOfficial(
        "jiuquanlu", "罗小琴", "620102001", Role.STATION_CLERK, "酒泉路街道窗口：替群众登记、提请接访"
    ),
    # Three administrators (三员分立): none of them sees a case.
    DemoOfficial("guanliyuan", "何伟", "6201", Role.SYSADMIN, "系统管理员：单位、账号、模板，不看信访件"),
    DemoOfficial("anquanyuan", "邓洁", "6201", Role.SECURITY_ADMIN, "安全管理员：确认岗位、解锁、登录记录"),
    DemoOfficial("shenjiyuan", "曹磊", "6201", Role.AUDITOR, "审计管理员：查询、导出操作审计和调阅审计"),
)

READY = DemoMatter(
    "老旧小区加装电梯后采光受影响",
    "小区三号楼加装电梯后，二层住户白天要开灯。请求协调施工单位和住建部门到现场查看，给出补救办法。",
    "王秀兰",
    "13893100001",
)
FINISHED = DemoMatter(
    "拖欠农民工工资问题",
    "2025 年 6 月至 10 月在工地做木工，共 23 人，拖欠工资约 31 万元。请求督促总包单位支付。",
    "张德福",
    "13893100002",
)
OTHERS = (
    DemoMatter(
        "冬季供暖温度不达标", "连续两周室内温度 14 度左右，多次报修没有解决。", "刘淑珍", "13893100003"
    ),
    DemoMatter("门前道路积水", "下雨后路口积水，老人孩子出行不便，请求疏通雨水管。", "陈永强", "13893100004"),
    DemoMatter(
        "养老金少发两个月", "2026 年 3 月、4 月的养老金没有到账，请求核实补发。", "杨玉梅", "13893100005"
    ),
    DemoMatter("夜间施工噪声", "工地夜里十一点以后仍在施工，影响学生休息。", "吴国平", "13893100006"),
    DemoMatter(
        "拆迁安置房迟迟未交付",
        "2023 年签订协议，约定两年交房，至今没有通知。",
        "何秀英",
        "13893100007",
        "620104",
    ),
)

# Who walked in today and waits for the district; a session of its own each.
WAITERS = (
    DemoMatter("路灯三个月不亮", "小区门口路灯坏了三个月，晚上看不清台阶。", "金玉珍", "13893100041"),
    DemoMatter("垃圾清运不及时", "垃圾两天一清，夏天味道很大。", "于德海", "13893100042"),
    DemoMatter("楼顶漏水没有人修", "顶楼一下雨就漏，维修资金申请了一年。", "薛桂兰", "13893100043"),
)

# Region, address, hours, telephone; invented like everything of the demonstration.
PLACES = (
    (
        "620102001",
        "城关区酒泉路街道便民服务中心一楼",
        "周一至周五 上午 8:30–12:00，下午 2:30–6:00",
        "0931-0000001",
    ),
    ("620102", "城关区群众来访接待大厅", "周一至周五 上午 8:30–12:00，下午 2:30–6:00", "0931-0000002"),
)
