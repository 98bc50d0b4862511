"""Every act that the audit log knows, with its sentence. Whoever adds an act adds its line here and nowhere else."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Act:
    """One kind of act: its sentence, and whether the person it is about may see that it happened.

    Hidden are acts that law forbids to tell of (AML law: suspicion is not told to the one suspected).
    """

    zh: str
    en: str
    shown: bool = True


ACTS: Final = {
    # sessions and sign-in
    "session.signed_in": Act("登录", "signed in"),
    "session.refused": Act("登录失败", "was refused at sign-in"),
    "session.signed_out": Act("退出登录", "signed out"),
    "session.ended": Act("退出一台设备", "ended the session of one device"),
    "session.ended_everywhere": Act("退出所有设备", "signed out everywhere"),
    "session.ended_at_desk": Act("运营人员结束会话", "had a session ended at the desk"),
    "session.stepped_up": Act("再次验证身份", "proved again who they are"),
    "session.step_up_refused": Act("再次验证失败", "failed to prove again who they are"),
    "session.throttled": Act("登录尝试过多，已限制", "was slowed down after too many tries"),
    "session.party_changed": Act("切换所代表的机构", "changed whom they act for"),
    # people and what proves who they are
    "person.registered": Act("注册", "registered"),
    "person.invited": Act("邀请个人", "invited a person"),
    "person.read": Act("查看个人信息", "read personal data"),
    "person.searched": Act("查找个人", "searched for a person"),
    "person.changed": Act("修改个人信息", "changed personal data"),
    "person.frozen": Act("冻结账户", "froze the account"),
    "person.unfrozen": Act("解冻账户", "unfroze the account"),
    "person.erased": Act("删除个人信息", "erased personal data"),
    "passkey.added": Act("添加通行密钥", "added a passkey"),
    "passkey.removed": Act("移除通行密钥", "removed a passkey"),
    "passkey.renamed": Act("给通行密钥改名", "renamed a passkey"),
    "passkey.doubted": Act("通行密钥计数异常，可能被复制", "a passkey's counter stood still: a copy may exist"),
    "password.changed": Act("修改密码", "changed the password"),
    "totp.added": Act("启用动态口令", "switched on one-time codes"),
    "totp.removed": Act("停用动态口令", "switched off one-time codes"),
    "recovery.codes_made": Act("生成恢复码", "made recovery codes"),
    "recovery.code_used": Act("使用恢复码", "used a recovery code"),
    "recovery.began": Act("申请找回账户", "began to recover the account"),
    "recovery.done": Act("找回账户", "recovered the account"),
    "recovery.cancelled": Act("取消找回账户", "cancelled a recovery"),
    "mail.proved": Act("验证收信邮箱", "proved a mail address"),
    "mail.removed": Act("移除收信邮箱", "removed the mail address"),
    "card.paused": Act("暂停一张卡的还款", "paused the repayments of a card"),
    "card.resumed": Act("恢复一张卡的还款", "resumed the repayments of a card"),
    # organisations, roles, clients
    "organisation.made": Act("设立机构", "made an organisation"),
    "organisation.changed": Act("修改机构", "changed an organisation"),
    "member.invited": Act("邀请成员", "invited a member"),
    "member.joined": Act("成员加入", "joined an organisation"),
    "member.removed": Act("移除成员", "removed a member"),
    "role.given": Act("授予角色", "gave a role"),
    "role.taken": Act("收回角色", "took a role away"),
    "client.made": Act("新建接口客户", "made an API client"),
    "client.changed": Act("修改接口客户", "changed an API client"),
    "client.key_made": Act("新建接口密钥", "made an API key"),
    "client.key_ended": Act("停用接口密钥", "ended an API key"),
    "client.signed_in": Act("接口客户登录", "an API client signed in"),
    "client.refused": Act("接口客户登录失败", "an API client was refused"),
    # limits, pauses, consent
    "limit.lowered": Act("降低限额", "lowered a limit"),
    "limit.raise_asked": Act("申请提高限额", "asked to raise a limit"),
    "limit.raised": Act("提高限额", "raised a limit"),
    "limit.raise_cancelled": Act("取消提高限额", "cancelled raising a limit"),
    "pause.began": Act("暂停一切付款", "paused everything"),
    "pause.ended": Act("恢复付款", "ended the pause"),
    "consent.given": Act("同意", "gave consent"),
    "consent.withdrawn": Act("撤回同意", "withdrew consent"),
    "consent.expired": Act("同意到期", "a consent ended by its term"),
    "agreement.accepted": Act("接受协议", "accepted an agreement"),
    "agreement.published": Act("发布协议文本", "published the text of an agreement"),
    # decisions, settings, approvals
    "decision.made": Act("作出决定", "made a decision"),
    "decision.hidden": Act("作出保密的决定", "made a decision that may not be told", shown=False),
    "decision.reviewed": Act("复核决定", "reviewed a decision"),
    "setting.changed": Act("修改设置", "changed a setting"),
    "change.asked": Act("提出变更申请", "asked for a change"),
    "change.refused": Act("驳回变更申请", "refused a change"),
    "change.withdrawn": Act("撤回变更申请", "withdrew a change asked for"),
    "approval.given": Act("批准", "approved"),
    "approval.used": Act("使用批准", "used an approval"),
    "terms.changed": Act("修改条款参数", "changed dated terms"),
    "secret.read": Act("查看敏感信息原文", "read a masked value in clear"),
    "case.read": Act("查看保密案件", "read a secret case", shown=False),
    # channels and the register of licences
    "channel.forged": Act("收到签名不符的渠道通知", "got a channel's message with a wrong signature"),
    "channel.stopped": Act("渠道指令内容不符，已停止", "a channel knew an instruction with other contents: stopped"),
    "channel.contradiction": Act("渠道前后说法矛盾", "a channel contradicted itself"),
    "channel.clearing_asked": Act("提出核实渠道矛盾", "asked to clear what a channel had contradicted"),
    "channel.clearing_refused": Act("未确认渠道矛盾的核实", "did not confirm that a contradiction was cleared"),
    "channel.cleared": Act("核实渠道矛盾", "cleared what a channel had contradicted"),
    "stop.made": Act("停用渠道、银行或全部付款", "stopped a channel, a bank or everything"),
    "stop.lift_asked": Act("提出解除停用", "asked to lift a stop"),
    "stop.lift_refused": Act("驳回或撤回解除停用", "did not confirm that a stop is lifted"),
    "stop.lifted": Act("解除停用", "lifted a stop"),
    "channel.asked": Act("请渠道查询付款结果", "had a channel asked what became of a payment"),
    "breaker.closed": Act("提前结束渠道熔断", "closed a channel's breaker before its time"),
    "card_stop.ended": Act("提前结束卡片暂停", "ended the stop of a card before its time"),
    "evidence.given": Act("提交到账凭证", "gave evidence of a payment"),
    "evidence.doubted": Act("对到账凭证提出疑问", "doubted the evidence of a payment"),
    "partner.entered": Act("录入持牌登记", "entered a licence of a partner"),
    "partner.approved": Act("批准持牌登记", "approved a licence of a partner"),
    "partner.refused": Act("驳回持牌登记", "refused a licence of a partner"),
    "partner.suspended": Act("暂停持牌登记", "suspended a licence of a partner"),
    # repayments
    "repayment.confirmed": Act("确认还款", "confirmed a repayment"),
    "repayment.cancelled": Act("取消还款", "cancelled a repayment"),
    "mandate.given": Act("授权自动还款", "gave a mandate for automatic repayments"),
    "mandate.narrowed": Act("收窄自动还款授权", "narrowed a mandate"),
    "mandate.revoked": Act("撤回自动还款授权", "revoked a mandate"),
    "mandate.replaced": Act("以新授权取代旧授权", "replaced a mandate by a new one"),
    "mandate.switched": Act("开关自动还款", "switched autopay on or off"),
    "mandate.run_skipped": Act("跳过一次自动扣款", "skipped one automatic debit"),
    "binding.made": Act("绑定付款账户或卡片", "bound an account or a card"),
    "binding.doubted": Act("绑定待重新核实", "a binding must be proved anew"),
    "binding.removed": Act("解除绑定", "unbound an account or a card"),
    # data going out, and the end of data
    "export.asked": Act("申请导出", "asked for an export"),
    "export.made": Act("导出数据", "made an export"),
    "export.taken": Act("下载导出文件", "took an export away"),
    "erasure.asked": Act("申请删除", "asked for erasure"),
    "erasure.cancelled": Act("取消删除", "cancelled an erasure"),
    "erasure.done": Act("完成删除", "an erasure was done"),
    "file.imported": Act("导入文件", "imported a file"),
    # keys, installation, the log itself
    "key.made": Act("新建密钥", "made a key"),
    "key.rotated": Act("轮换密钥", "rotated keys"),
    "key.retired": Act("停用密钥", "retired a key"),
    "installation.mode_set": Act("设定安装模式", "set the mode of the installation"),
    "command.run": Act("运行命令", "ran a command"),
    "job.failed": Act("后台任务失败", "a background job failed"),
    "access.refused": Act("越权访问被拒", "was refused for lack of a right"),
    "rate.exceeded": Act("请求过于频繁", "asked too often"),
    "audit.corrected": Act("更正一条记录", "corrected a record of this log"),
    "audit.read": Act("查看审计日志", "read the audit log"),
    "ledger.verified": Act("核验账本", "checked the books"),
    "audit.exported": Act("导出审计资料", "made an auditor's pack"),
}
