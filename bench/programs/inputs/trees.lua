-- Trees of tables and strings, built and dropped. Argument: how many trees.
local function tree(depth, name)
    if depth == 0 then
        return {name = name}
    end
    return {name = name, left = tree(depth - 1, name .. "l"), right = tree(depth - 1, name .. "r")}
end

local function letters(node)
    if not node then
        return 0
    end
    return #node.name + letters(node.left) + letters(node.right)
end

local kept, total = {}, 0
for i = 1, tonumber(arg[1]) do
    kept[i % 8] = tree(12, "t" .. i)
    total = total + letters(kept[i * 7 % 8])
end
print(total)
